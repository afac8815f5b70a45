// Judges receipts (RFC 9942) with veraison/go-cose and transparency-dev/merkle: it shares no line with Touchstone. A line of standard input is
// {"receipt", "spki", "entry"} or {"receipt", "spki", "from", "to"}, all base64: the entry's bytes, or the roots of the two trees. For each it
// prints a line, "accepted" or why not.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/fxamacker/cbor/v2"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/veraison/go-cose"
)

const (
	labelVDS    = int64(395)
	labelProofs = int64(396)
	inclusion   = int64(-1)
	consistency = int64(-2)
)

type question struct{ Receipt, Spki, Entry, From, To []byte }

// path is an inclusion proof, whose numbers are size and index, or a consistency proof, whose numbers are the two sizes.
type path struct {
	_      struct{} `cbor:",toarray"`
	A, B   uint64
	Hashes [][]byte
}

// proofOf reads the one proof of this kind.
func proofOf(message *cose.Sign1Message, kind int64) (p path, err error) {
	proofs, ok := message.Headers.Unprotected[labelProofs].(map[any]any)
	if !ok {
		return p, errors.New("no proofs")
	}
	list, ok := proofs[kind].([]any)
	if !ok || len(list) != 1 {
		return p, errors.New("no proof of this kind")
	}
	bytes, ok := list[0].([]byte)
	if !ok {
		return p, errors.New("the proof is no byte string")
	}
	return p, cbor.Unmarshal(bytes, &p)
}

// rootOf is the root that the proof leads to, or the one that it was shown to lead to.
func rootOf(message *cose.Sign1Message, q question) ([]byte, error) {
	if q.From == nil {
		p, err := proofOf(message, inclusion)
		if err != nil {
			return nil, err
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(q.Entry)
		return proof.RootFromInclusionProof(rfc6962.DefaultHasher, p.B, p.A, leaf, p.Hashes)
	}
	p, err := proofOf(message, consistency)
	if err != nil {
		return nil, err
	}
	return q.To, proof.VerifyConsistency(rfc6962.DefaultHasher, p.A, p.B, p.Hashes, q.From, q.To)
}

func judge(q question) error {
	key, err := x509.ParsePKIXPublicKey(q.Spki)
	if err != nil {
		return err
	}
	message := cose.NewSign1Message()
	if err := message.UnmarshalCBOR(q.Receipt); err != nil {
		return err
	}
	if vds, ok := message.Headers.Protected[labelVDS].(int64); !ok || vds != 1 {
		return errors.New("the tree is not said to be one of RFC 9162")
	}
	if message.Payload != nil {
		return errors.New("the payload is not detached")
	}
	if message.Payload, err = rootOf(message, q); err != nil {
		return err
	}
	algorithm, err := message.Headers.Protected.Algorithm()
	if err != nil {
		return err
	}
	verifier, err := cose.NewVerifier(algorithm, key)
	if err != nil {
		return err
	}
	return message.Verify(nil, verifier)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var q question
		err := json.Unmarshal(lines.Bytes(), &q)
		if err == nil {
			err = judge(q)
		}
		if err == nil {
			fmt.Println("accepted")
		} else {
			fmt.Println(err)
		}
	}
}
