// Publishing over HTTP: what is answered, and every refusal of design §7 as a client sees it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { formatTime } from "../../../src/protocol/entry/fields.ts";
import { envelopeToJson, PAYLOAD_TYPE, parseEnvelope } from "../../../src/protocol/envelope/dsse.ts";
import { formatStatement } from "../../../src/protocol/envelope/statement.ts";
import { hashLeaf } from "../../../src/protocol/merkle/hash.ts";
import { parseTlogPolicy } from "../../../src/protocol/note/tlog-policy.ts";
import { parseTlogProof, verifyTlogProof } from "../../../src/protocol/note/tlog-proof.ts";
import { currentTrustRoot } from "../../../src/protocol/registration/in-force.ts";
import { NOW } from "../../support/clock.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../../support/document-predicates.ts";
import { testKey } from "../../support/keys.ts";
import {
  kernelPredicate,
  osImagePredicate,
  platformPredicate,
  sha256Of,
} from "../../support/release-predicates.ts";
import { inOrder, type ReleaseSet, signReleaseSet } from "../../support/release-set.ts";
import { problemOf, refusalOf, ServiceHarness } from "../../support/service-harness.ts";
import { referenceOf, signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";

interface Published {
  index: number;
  leafHash: string;
  treeSize: number;
  outcome: string;
  envelope: Parameters<typeof JSON.stringify>[0];
  proof: string;
}

let service: ServiceHarness;
let set: ReleaseSet;

beforeAll(async () => {
  service = await ServiceHarness.start();
  ({ set } = await service.publishPolicy());
});
afterAll(() => service.stop());

const platform = (name: string, version = "1") =>
  signStatement("platform", platformPredicate(name, version), [service.keys.publisher]);

describe("an entry that is published", () => {
  test("is answered with 201, and its proof verifies under the trust root", async () => {
    const envelope = await platform("fresh");
    const response = await service.publish(envelope);
    const answer = (await response.json()) as Published;
    expect([response.status, answer.outcome]).toEqual([201, "new"]);
    expect(response.headers.get("location")).toBe(`https://log.example/v1/entries/${answer.index}`);
    const logPolicy = parseTlogPolicy(currentTrustRoot(service.log.read.inForce)?.root.logPolicy ?? "");
    const { checkpoint } = await verifyTlogProof(
      parseTlogProof(answer.proof),
      hashLeaf(envelope.leaf),
      logPolicy,
    );
    expect(checkpoint.size).toBe(answer.treeSize);
  });

  test("is answered with 200 and the logged envelope when it comes again, whatever its signatures", async () => {
    const first = (await (await service.publish(await platform("twice"))).json()) as Published;
    const other = await signStatement("platform", platformPredicate("twice"), [await testKey("stranger")]);
    const response = await service.publish(other);
    const again = (await response.json()) as Published;
    expect([response.status, again.outcome, again.index]).toEqual([200, "known", first.index]);
    expect(again.envelope).toEqual(first.envelope);
  });

  test("is answered with the bare proof file when text is asked for", async () => {
    const envelope = await platform("as-text");
    const response = await service.publish(envelope, { accept: "text/plain" });
    expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(parseTlogProof(await response.text()).index).toBe(service.log.read.inForce.size - 1);
  });

  test("may be written in any JSON form, and is logged in its one form", async () => {
    const envelope = await platform("spaced");
    const response = await service.post(JSON.stringify(envelopeToJson(envelope), null, 4));
    const { index } = (await response.json()) as Published;
    expect(
      Buffer.from(envelope.leaf).equals((await service.log.read.entry(index))?.leaf ?? Buffer.of()),
    ).toBe(true);
  });
});

describe("a body that cannot be read is 400", () => {
  const bodies: Record<string, string | Uint8Array> = {
    empty: "",
    "not JSON": "hello",
    truncated: '{"payload":"',
    "a member twice": '{"payload":"","payload":"","payloadType":"","signatures":[]}',
    "nested too deeply": "[".repeat(40) + "]".repeat(40),
    "text after the value": "{} {}",
    "not UTF-8": Uint8Array.of(0x22, 0xc3, 0x28, 0x22),
    "UTF-16": new Uint8Array(Buffer.from("{}", "utf16le")),
    "a lone surrogate": '{"payload":"\\ud800"}',
    "a byte order mark": "\ufeff{}",
    "a prototype": '{"__proto__":{}}',
  };
  test.each(Object.entries(bodies))("%s", async (_, body) => {
    expect(await refusalOf(await service.post(body))).toBe("400 malformed");
  });

  test("base64 that is not canonical", async () => {
    const json = envelopeToJson(await platform("base64"));
    const forms = [json.payload.replace(/=*$/, ""), `${json.payload}\n`, json.payload.replace(/.$/, "_")];
    for (const payload of forms) {
      expect(await refusalOf(await service.post(JSON.stringify({ ...json, payload })))).toBe("400 malformed");
    }
  });
});

describe("an envelope that does not fit is 422 with a pointer", () => {
  async function refusedAt(change: object): Promise<string> {
    const json = envelopeToJson(await platform("misfit"));
    const problem = await problemOf(await service.post(JSON.stringify({ ...json, ...change })));
    return `${problem.status} ${problem.code} ${problem.format} ${problem.pointer}`;
  }
  const payloadOf = (text: string) => ({ payload: encodeBase64(utf8(text)) });

  test("wrong payloadType", async () => {
    const found = await refusedAt({ payloadType: "application/json" });
    expect(found).toBe("422 invalid-entry DSSE envelope /payloadType");
  });

  test("an unknown member", async () => {
    expect(await refusedAt({ extra: 1 })).toMatch(/^422 invalid-entry DSSE envelope/);
  });

  test("a payload that is not its RFC 8785 form", async () => {
    const { payload } = await platform("misfit");
    const text = Buffer.from(payload).toString().replace("{", "{ ");
    expect(await refusedAt(payloadOf(text))).toMatch(/^422 invalid-entry statement/);
  });

  test("a payload that is not JSON, or of an unknown kind", async () => {
    expect(await refusedAt(payloadOf("hello"))).toMatch(/^422 invalid-entry statement/);
    const { payload } = await platform("misfit");
    const text = Buffer.from(payload)
      .toString()
      .replace("urn:touchstone:platform:v1", "urn:touchstone:other:v1");
    expect(await refusedAt(payloadOf(text))).toBe("422 invalid-entry statement /predicateType");
  });

  test("a predicate that its schema refuses", async () => {
    const { payload } = await platform("misfit");
    const text = Buffer.from(payload).toString().replace('"svn":1', '"svn":-1');
    expect(await refusedAt(payloadOf(text))).toBe("422 invalid-entry statement /predicate/svn");
  });

  test("one key that signed twice", async () => {
    const { signatures } = envelopeToJson(await platform("misfit"));
    expect(await refusedAt({ signatures: [...signatures, ...signatures] })).toMatch(/^422 .*\/signatures$/);
  });
});

describe("signatures", () => {
  test("none at all is 401, with a challenge", async () => {
    const json = { ...envelopeToJson(await platform("unsigned")), signatures: [] };
    const response = await service.post(JSON.stringify(json));
    expect(response.headers.get("www-authenticate")).toBe("DSSE");
    expect(await refusalOf(response)).toBe("401 signature-missing");
  });

  test("a wrong one is 401", async () => {
    const json = envelopeToJson(await platform("forged"));
    const sig = encodeBase64(new Uint8Array(64));
    const forged = { ...json, signatures: json.signatures.map(({ keyid }) => ({ keyid, sig })) };
    expect(await refusalOf(await service.post(JSON.stringify(forged)))).toBe("401 signature-invalid");
  });

  test("one by a key that the trust root does not list is 401", async () => {
    const stranger = await testKey("stranger");
    const envelope = await signStatement("platform", platformPredicate("strange"), [stranger]);
    expect(await refusalOf(await service.publish(envelope))).toBe("401 signature-unknown-key");
  });

  test("a valid one beside one by a key without the role is 403: nothing is dropped", async () => {
    const signers = [service.keys.publisher, service.keys.policy];
    const envelope = await signStatement("platform", platformPredicate("extra-signer"), signers);
    expect(await refusalOf(await service.publish(envelope))).toBe("403 not-authorised");
  });

  test("a key that may not publish this kind or this name is 403", async () => {
    const by = [service.keys.otherPublisher];
    const wrongName = await signStatement("platform", platformPredicate("not-other"), by);
    const wrongKind = await signStatement("kernel-patch-set", kernelPredicate("other/kernel"), by);
    expect(await refusalOf(await service.publish(wrongName))).toBe("403 not-authorised");
    expect(await refusalOf(await service.publish(wrongKind))).toBe("403 not-authorised");
  });

  test("one key twice does not make two of a threshold", async () => {
    const predicate = await trustRootPredicate(service.keys, {
      version: 2,
      previous: currentTrustRoot(service.log.read.inForce)?.digest ?? null,
      roles: {
        ...(await trustRootPredicate(service.keys)).roles,
        root: { keys: service.keys.root.map((k) => k.keyId), threshold: 2 },
      },
    });
    const once = await signStatement("trust-root", predicate, [service.keys.root[0]]);
    expect(await refusalOf(await service.publish(once))).toBe("403 not-authorised");
  });
});

describe("what the registration rules refuse", () => {
  const refused = async (envelope: Awaited<ReturnType<typeof platform>>) =>
    refusalOf(await service.publish(envelope));

  test("another payload under a name and version that are taken: 409, naming the entry", async () => {
    await service.publish(await platform("taken"));
    const other = { ...platformPredicate("taken"), svn: 2 };
    const problem = await problemOf(
      await service.publish(await signStatement("platform", other, [service.keys.publisher])),
    );
    expect([problem.status, problem.code]).toEqual([409, "identity-taken"]);
    expect(problem.detail).toContain("platform/taken@1");
  });

  test("a reference to nothing, to the wrong kind, and to a revoked entry: 422", async () => {
    const by = [service.keys.publisher];
    const nothing = {
      kind: "kernel-patch-set" as const,
      name: "linux-cc",
      version: "9",
      digest: sha256Of("nothing"),
    };
    const toNothing = osImagePredicate(nothing, referenceOf(set.driver), "guest", "2");
    expect(await refused(await signStatement("os-image", toNothing, by))).toBe("422 reference-missing");
    const wrong = { ...referenceOf<"kernel-patch-set">(set.kernel), digest: set.platform.payloadDigest };
    const toWrong = osImagePredicate(wrong, referenceOf(set.driver), "guest", "3");
    expect(await refused(await signStatement("os-image", toWrong, by))).toBe("422 reference-wrong");
    const kernel = await signStatement("kernel-patch-set", kernelPredicate("doomed", "1"), by);
    await service.publish(kernel);
    const revocation = revocationPredicate({ name: "doom", digests: [kernel.payloadDigest] });
    await service.publish(await signStatement("revocation", revocation, [service.keys.revocation]));
    const toRevoked = osImagePredicate(referenceOf(kernel), referenceOf(set.driver), "guest", "4");
    expect(await refused(await signStatement("os-image", toRevoked, by))).toBe("422 reference-revoked");
  });

  test("a missing attachment: 422", async () => {
    const attachment = { digest: sha256Of("absent"), size: 10, mediaType: "application/json" as const };
    const patches = { count: 1, seriesDigest: sha256Of("series"), inline: null, attachment };
    const predicate = { ...kernelPredicate("attached"), patches };
    const envelope = await signStatement("kernel-patch-set", predicate, [service.keys.publisher]);
    expect(await refused(envelope)).toBe("422 attachment-missing");
  });

  test("policies: wrong predecessor 409, too long a life, below the floor, incoherent 422", async () => {
    const policy = (change: Parameters<typeof policyPredicate>[1]) =>
      policyPredicate(set, { name: "staging", ...change });
    const refusedPolicy = async (change: Parameters<typeof policyPredicate>[1]) =>
      refused(await signStatement("policy", policy(change), [service.keys.policy]));
    expect(await refusedPolicy({ version: 2, previous: sha256Of("x") })).toBe("409 wrong-predecessor");
    const late = formatTime(new Date(NOW.getTime() + 400 * 86_400_000));
    expect(await refusedPolicy({ expires: late })).toBe("422 lifetime-too-long");
    expect(await refusedPolicy({ svnFloor: { ...policy({}).svnFloor, platform: 5 } })).toBe(
      "422 below-svn-floor",
    );
    const other = await signStatement("kernel-patch-set", kernelPredicate("linux-cc", "other"), [
      service.keys.publisher,
    ]);
    await service.publish(other);
    const profiles = policy({}).profiles.map((p) => ({
      ...p,
      kernelPatchSet: referenceOf<"kernel-patch-set">(other),
    }));
    expect(await refusedPolicy({ profiles })).toBe("422 profile-incoherent");
  });

  test("a status that is not true, and one that does not follow", async () => {
    const { inForce } = service.log.read;
    const by = [service.keys.status];
    const lie = await signStatement("status", statusPredicate(inForce, { revokedDigests: [] }), by);
    expect(await refused(lie)).toBe("422 status-not-true");
    const skipping = await signStatement("status", statusPredicate(inForce, { sequence: 99 }), by);
    expect(await refused(skipping)).toBe("409 wrong-predecessor");
  });

  test("a revocation of nothing, and of a trust root: 422", async () => {
    const revoke = (digest: string, name: string) =>
      signStatement("revocation", revocationPredicate({ name, digests: [digest] }), [
        service.keys.revocation,
      ]);
    expect(await refused(await revoke(sha256Of("nothing"), "r1"))).toBe("422 revocation-target");
    const trustRoot = currentTrustRoot(service.log.read.inForce)?.digest ?? "";
    expect(await refused(await revoke(trustRoot, "r2"))).toBe("422 revocation-target");
  });

  test("a trust root that cannot be worked with, and a false successor: 422", async () => {
    const previous = currentTrustRoot(service.log.read.inForce)?.digest ?? null;
    const by = [service.keys.root[0]];
    const broken = await trustRootPredicate(service.keys, {
      version: 2,
      previous,
      keys: [encodeBase64(service.keys.root[0].spki)],
    });
    expect(await refused(await signStatement("trust-root", broken, by))).toBe("422 trust-root-not-usable");
    const successor = { origin: "next.example", finalSize: 1, finalRoot: sha256Of("root") };
    const closing = await trustRootPredicate(service.keys, { version: 2, previous, successor });
    expect(await refused(await signStatement("trust-root", closing, by))).toBe("422 successor-not-true");
    const noKey = await trustRootPredicate(service.keys, {
      version: 2,
      previous,
      logPolicy: "log nonsense\nquorum none\n",
    });
    expect(await refused(await signStatement("trust-root", noKey, by))).toBe("422 trust-root-not-usable");
  });
});

describe("sizes and types", () => {
  test("a body above the limit is 413 before it is read", async () => {
    const stuck = new ReadableStream({ pull: () => new Promise(() => undefined) });
    const response = await service.app.request("/v1/entries", {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": "200000" },
      body: stuck,
      duplex: "half",
    } as RequestInit);
    expect(await refusalOf(response)).toBe("413 too-large");
  });

  test("a body that does not say its length is 413 once it is too long", async () => {
    expect(await refusalOf(await service.post(" ".repeat(140_000)))).toBe("413 too-large");
  });

  test("an envelope that no entry bundle could hold is 413", async () => {
    const { signatures } = envelopeToJson(await platform("huge"));
    const digest = { sha256: sha256Of("x") };
    const payloadOf = (nameLength: number) => {
      const names = Array.from({ length: 140 }, () => "n".repeat(nameLength));
      return formatStatement(
        "platform",
        platformPredicate("huge"),
        names.map((name) => ({ name, digest })),
      );
    };
    const base64LengthOf = (nameLength: number) => encodeBase64(payloadOf(nameLength)).length;
    let longest = 1;
    while (base64LengthOf(longest + 1) <= 65_535) longest++;
    // The first leaves no room for the signature beside its base64, the second is too long by itself.
    for (const payload of [payloadOf(longest), payloadOf(longest + 1)]) {
      const json = { payload: encodeBase64(payload), payloadType: PAYLOAD_TYPE, signatures };
      expect(await refusalOf(await service.post(JSON.stringify(json)))).toBe("413 too-large");
    }
  });

  test.each(["text/plain", "application/json; charset=latin1", "", "application/x-ndjson"])(
    "content type %j is 415",
    async (type) => {
      const body = JSON.stringify(envelopeToJson(await platform("typed")));
      expect(await refusalOf(await service.post(body, { "content-type": type }))).toBe(
        "415 unsupported-media-type",
      );
    },
  );

  test("a body with a content coding is 415", async () => {
    expect(await refusalOf(await service.post("{}", { "content-encoding": "gzip" }))).toBe(
      "415 unsupported-media-type",
    );
  });
});

describe("a batch", () => {
  const linesOf = async (response: Response) =>
    (await response.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Published);

  test("is answered line by line, in order, and may refer within itself", async () => {
    const next = await signReleaseSet(service.keys, "2.0");
    const response = await service.publishBatch(inOrder(next));
    const answers = await linesOf(response);
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(answers.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5].map((i) => answers[0]!.index + i));
    expect((await service.publishBatch(inOrder(next))).status).toBe(200);
  });

  test("with one bad line is refused whole, naming the line, and nothing is added", async () => {
    const size = service.log.read.inForce.size;
    const stranger = await signStatement("platform", platformPredicate("b"), [await testKey("stranger")]);
    const problem = await problemOf(
      await service.publishBatch([await platform("b1"), await platform("b2"), stranger]),
    );
    expect([problem.status, problem.code, problem.line]).toEqual([401, "signature-unknown-key", 3]);
    const unreadable = await problemOf(await service.publishBatch([await platform("b1"), "{"]));
    expect([unreadable.status, unreadable.code, unreadable.line]).toEqual([400, "malformed", 2]);
    const misfit = await problemOf(await service.publishBatch([await platform("b1"), "{}"]));
    expect([misfit.status, misfit.line]).toEqual([422, 2]);
    const alone = await problemOf(await service.publishBatch([stranger]));
    expect([alone.status, alone.line]).toEqual([401, 1]);
    expect(service.log.read.inForce.size).toBe(size);
  });

  test("of more than 1,000 lines is 413, of none 400, with an empty line 400", async () => {
    const known = await platform("again");
    await service.publish(known);
    expect(await refusalOf(await service.publishBatch(Array.from({ length: 1001 }, () => known)))).toBe(
      "413 too-large",
    );
    expect(await refusalOf(await service.publishBatch([]))).toBe("400 malformed");
    expect(await refusalOf(await service.publishBatch([await platform("e"), "", await platform("f")]))).toBe(
      "400 malformed",
    );
  });

  test("must say that it is one", async () => {
    const response = await service.app.request("/v1/entries/batch", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(await refusalOf(response)).toBe("415 unsupported-media-type");
  });
});

test("every envelope that was answered can be read back and is what was sent", async () => {
  const size = service.log.read.inForce.size;
  for (let index = 0; index < size; index++) {
    const { envelope } = await service.json<{ envelope: object }>(`/v1/entries/${index}`);
    const { leaf } = parseEnvelope(utf8(JSON.stringify(envelope)));
    expect(Buffer.from(leaf).equals((await service.log.read.entry(index))?.leaf ?? Buffer.of())).toBe(true);
  }
});
