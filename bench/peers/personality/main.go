// Personality is a Tessera log on POSIX storage that takes what Touchstone takes: a DSSE envelope with one Ed25519 signature, checked
// before the entry is added. Two forms: "integrated" answers when the entry is in the durable tree; "full" also refuses to log an entry
// twice, waits for a published checkpoint over it, and answers with its inclusion proof, as Touchstone does.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	antispam "github.com/transparency-dev/tessera/storage/posix/antispam"
	"golang.org/x/mod/sumdb/note"
)

const (
	payloadType   = "application/vnd.in-toto+json"
	maxEntryBytes = 65535
	// The shortest that Tessera allows.
	checkpointInterval = 100 * time.Millisecond
	batchSize          = 256
	batchAge           = 5 * time.Millisecond
)

var (
	storage = flag.String("storage", "", "folder of the log")
	form    = flag.String("form", "full", "integrated or full")
	spki    = flag.String("spki", "", "the publisher's key: base64 of its SubjectPublicKeyInfo")
)

type envelope struct {
	Payload     string `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		KeyID string `json:"keyid"`
		Sig   string `json:"sig"`
	} `json:"signatures"`
}

type server struct {
	key      ed25519.PublicKey
	appender *tessera.Appender
	reader   tessera.LogReader
	awaiter  *tessera.PublicationAwaiter
}

func main() {
	flag.Parse()
	ctx := context.Background()
	s := &server{key: publisherKey()}
	driver, err := posix.New(ctx, posix.Config{Path: *storage})
	must(err)
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(newSigner()).
		WithCheckpointInterval(checkpointInterval).
		WithBatching(batchSize, batchAge)
	if *form == "full" {
		known, err := antispam.NewAntispam(ctx, filepath.Join(*storage, ".state", "antispam"), antispam.AntispamOpts{})
		must(err)
		options = options.WithAntispam(tessera.DefaultAntispamInMemorySize, known)
	}
	s.appender, _, s.reader, err = tessera.NewAppender(ctx, driver, options)
	must(err)
	s.awaiter = tessera.NewPublicationAwaiter(ctx, s.reader.ReadCheckpoint, 10*time.Millisecond)
	http.HandleFunc("POST /v1/entries", s.publish)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("http://%s\n", listener.Addr())
	must(http.Serve(listener, nil))
}

func (s *server) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEntryBytes))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if err := s.verify(body); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	answer, err := s.add(r.Context(), body)
	if errors.Is(err, tessera.ErrPushback) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *server) verify(body []byte) error {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil || e.PayloadType != payloadType || len(e.Signatures) != 1 {
		return fmt.Errorf("not an envelope with one signature")
	}
	signature, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return err
	}
	signed := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
	if !ed25519.Verify(s.key, signed, signature) {
		return fmt.Errorf("the signature does not verify")
	}
	return nil
}

func (s *server) add(ctx context.Context, body []byte) (map[string]any, error) {
	future := s.appender.Add(ctx, tessera.NewEntry(body))
	if *form == "integrated" {
		index, err := future()
		return map[string]any{"index": index.Index}, err
	}
	index, checkpoint, err := s.awaiter.Await(ctx, future)
	if err != nil {
		return nil, err
	}
	size, err := sizeOf(checkpoint)
	if err != nil {
		return nil, err
	}
	builder, err := client.NewProofBuilder(ctx, size, s.reader.ReadTile)
	if err != nil {
		return nil, err
	}
	proof, err := builder.InclusionProof(ctx, index.Index)
	return map[string]any{"index": index.Index, "checkpoint": string(checkpoint), "proof": proof}, err
}

func sizeOf(checkpoint []byte) (size uint64, err error) {
	var origin string
	_, err = fmt.Sscanf(string(checkpoint), "%s\n%d\n", &origin, &size)
	return size, err
}

func publisherKey() ed25519.PublicKey {
	der, err := base64.StdEncoding.DecodeString(*spki)
	must(err)
	key, err := x509.ParsePKIXPublicKey(der)
	must(err)
	return key.(ed25519.PublicKey)
}

func newSigner() note.Signer {
	private, _, err := note.GenerateKey(rand.Reader, "bench.example/tessera")
	must(err)
	signer, err := note.NewSigner(private)
	must(err)
	return signer
}

func must(err error) {
	if err != nil {
		log.SetOutput(os.Stderr)
		log.Fatal(err)
	}
}
