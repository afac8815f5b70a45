-- Tokens of identities by which entries were published: each is used once. What it is called is the SHA-256 of issuer and jti. The newest
-- of these entries says before which time no later one can have been recorded.
CREATE TABLE entry_tokens (
  token bytea PRIMARY KEY CHECK (length(token) = 32),
  idx   bigint NOT NULL
);
CREATE INDEX entry_tokens_by_idx ON entry_tokens (idx);
CREATE TRIGGER entry_tokens_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_tokens
  FOR EACH STATEMENT EXECUTE FUNCTION refuse('what finds entries is never changed or removed');
