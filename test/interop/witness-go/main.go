// Command witness-go lets Touchstone meet the witnesses, logs and parsers that others wrote in Go. Each argument is one of them; what it
// is to work on comes as one JSON value on standard input, and what it says goes to standard output, one JSON value a line.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/formats/witness"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"github.com/transparency-dev/witness/omniwitness"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	input := json.NewDecoder(os.Stdin)
	switch os.Args[1] {
	case "omniwitness":
		serveWitness(input)
	case "formats":
		judge(input)
	case "tessera":
		growLog(input)
	case "ed25519":
		verifyAll(input)
	default:
		log.Fatalf("unknown program %q", os.Args[1])
	}
}

func read(input *json.Decoder, value any) {
	if err := input.Decode(value); err != nil {
		log.Fatal(err)
	}
}

func say(value any) {
	if err := json.NewEncoder(os.Stdout).Encode(value); err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// serveWitness is omniwitness with two new keys. It knows one log, and runs until standard input ends.
func serveWitness(input *json.Decoder) {
	var in struct{ Name, LogKey string }
	read(input, &in)
	edSecret, edKey, err := note.GenerateKey(rand.Reader, in.Name)
	if err != nil {
		log.Fatal(err)
	}
	signer := must(f_note.NewSignerForCosignatureV1(edSecret))
	pqSecret, pqKey, err := f_note.GenerateMLDSAKey(in.Name)
	if err != nil {
		log.Fatal(err)
	}
	logs := must(omniwitness.NewStaticLogConfig(fmt.Appendf(nil, "Logs:\n  - PublicKey: %q\n    Origin: %q\n",
		in.LogKey, must(note.NewVerifier(in.LogKey)).Name())))
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	config := omniwitness.OperatorConfig{
		WitnessKeys:     []note.Signer{signer, must(f_note.NewMLDSASigner(pqSecret))},
		WitnessVerifier: signer.Verifier(),
		Logs:            logs,
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- omniwitness.Main(ctx, config, inmemory.New(), listener, http.DefaultClient) }()
	say(map[string]any{
		"url":  "http://" + listener.Addr().String(),
		"keys": []string{must(f_note.VKeyToCosignatureV1(edKey)), pqKey},
	})
	var end any
	_ = input.Decode(&end)
	cancel()
	<-done
}

// judge opens a checkpoint, a policy and a proof of ours with transparency-dev/formats.
func judge(input *json.Decoder) {
	var in struct {
		Policy, Checkpoint, LogKey, Proof, Leaf string
		CosignerKeys                            []string
	}
	read(input, &in)
	verifiers := []note.Verifier{must(note.NewVerifier(in.LogKey))}
	for _, key := range in.CosignerKeys {
		verifiers = append(verifiers, must(cosignatureVerifier(key)))
	}
	opened := must(note.Open([]byte(in.Checkpoint), note.VerifierList(verifiers...)))
	verified := []string{}
	for _, sig := range opened.Sigs {
		verified = append(verified, fmt.Sprintf("%s+%08x", sig.Name, sig.Hash))
	}
	policy := must(witness.ParsePolicy([]byte(in.Policy)))
	leaf := rfc6962.DefaultHasher.HashLeaf(must(base64.StdEncoding.DecodeString(in.Leaf)))
	say(map[string]any{
		"verified":  verified,
		"satisfied": policy.Satisfied([]byte(in.Checkpoint)),
		"endpoints": len(policy.Endpoints()),
		"proof":     proofVerdict(in.Proof, leaf, verifiers[0]),
	})
}

func cosignatureVerifier(key string) (note.Verifier, error) {
	if verifier, err := f_note.NewVerifierForCosignatureV1(key); err == nil {
		return verifier, nil
	}
	return f_note.NewMLDSAVerifier(key)
}

// growLog makes a Tessera log whose checkpoints are witnessed, adds entries to it, and says what it published.
func growLog(input *json.Decoder) {
	var in struct {
		Folder, SecretKey, Policy string
		Entries                   int
	}
	read(input, &in)
	ctx := context.Background()
	driver := must(posix.New(ctx, posix.Config{Path: in.Folder}))
	group := must(tessera.NewWitnessGroupFromPolicy([]byte(in.Policy)))
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(must(note.NewSigner(in.SecretKey))).
		WithCheckpointInterval(200*time.Millisecond).
		WithBatching(16, 50*time.Millisecond).
		WithWitnesses(group, &tessera.WitnessOptions{Timeout: 10 * time.Second}))
	if err != nil {
		log.Fatal(err)
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	for i := range in.Entries {
		_, checkpoint, err := awaiter.Await(ctx, appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "entry %d", i))))
		if err != nil {
			log.Fatal(err)
		}
		say(map[string]any{"checkpoint": string(checkpoint), "satisfied": group.Satisfied(checkpoint)})
	}
	if err := shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}

// verifyAll says which signatures crypto/ed25519 accepts.
func verifyAll(input *json.Decoder) {
	var in []struct {
		Number        int
		Key, Sig, Msg string
	}
	read(input, &in)
	accepted := []int{}
	for _, c := range in {
		if ed25519.Verify(must(hex.DecodeString(c.Key)), []byte(c.Msg), must(hex.DecodeString(c.Sig))) {
			accepted = append(accepted, c.Number)
		}
	}
	say(accepted)
}

func proofVerdict(text string, leaf []byte, logKey note.Verifier) string {
	var p proof.TLogProof
	if err := p.Unmarshal([]byte(text)); err != nil {
		return err.Error()
	}
	if string(p.Marshal()) != text {
		return "it is written otherwise"
	}
	return verifyInclusion(p, leaf, logKey)
}
