// Reads results of CoSERV and signed CoRIMs with veraison/go-cose and fxamacker/cbor, which Veraison's own library stands on. A line of standard
// input is {"message", "spki"}, both base64; without a key the message is unsigned. For each it prints a line of JSON: what it read of the
// result, or {"refused"} with the reason.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

type question struct{ Message, Spki []byte }

type class struct {
	Vendor string `cbor:"1,keyasint"`
	Model  string `cbor:"2,keyasint"`
}

type environment struct {
	Class class `cbor:"0,keyasint"`
}

type triple struct {
	_            struct{} `cbor:",toarray"`
	Environment  environment
	Measurements []map[int]any
}

type quad struct {
	Authorities []cbor.Tag `cbor:"1,keyasint"`
	Triple      triple     `cbor:"2,keyasint"`
}

type source struct {
	_         struct{} `cbor:",toarray"`
	MediaType string
	Content   []byte
}

type results struct {
	Quads   []quad     `cbor:"0,keyasint,omitempty"`
	Expiry  *time.Time `cbor:"10,keyasint"`
	Sources []source   `cbor:"11,keyasint,omitempty"`
}

type coserv struct {
	Profile string          `cbor:"0,keyasint"`
	Query   cbor.RawMessage `cbor:"1,keyasint"`
	Results *results        `cbor:"2,keyasint,omitempty"`
}

type read struct {
	ContentType string   `json:"contentType"`
	Profile     string   `json:"profile"`
	Models      []string `json:"models"`
	Authorities []string `json:"authorities"`
	Sources     []string `json:"sources"`
	Expiry      string   `json:"expiry"`
}

// open verifies a signed message, and gives what it says that it holds.
func open(q question) (payload []byte, contentType string, err error) {
	if q.Spki == nil {
		return q.Message, "application/coserv+cbor", nil
	}
	key, err := x509.ParsePKIXPublicKey(q.Spki)
	if err != nil {
		return nil, "", err
	}
	message := cose.NewSign1Message()
	if err := message.UnmarshalCBOR(q.Message); err != nil {
		return nil, "", err
	}
	contentType, ok := message.Headers.Protected[cose.HeaderLabelContentType].(string)
	if !ok {
		return nil, "", errors.New("no content type")
	}
	algorithm, err := message.Headers.Protected.Algorithm()
	if err != nil {
		return nil, "", err
	}
	verifier, err := cose.NewVerifier(algorithm, key)
	if err != nil {
		return nil, "", err
	}
	return message.Payload, contentType, message.Verify(nil, verifier)
}

func judge(q question) (*read, error) {
	payload, contentType, err := open(q)
	if err != nil || contentType != "application/coserv+cbor" {
		return &read{ContentType: contentType}, err
	}
	options := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden}
	mode, err := options.DecMode()
	if err != nil {
		return nil, err
	}
	var message coserv
	if err := mode.Unmarshal(payload, &message); err != nil {
		return nil, err
	}
	if message.Results == nil || message.Results.Expiry == nil {
		return nil, errors.New("no results, or no expiry")
	}
	found := &read{
		ContentType: contentType,
		Profile:     message.Profile,
		Expiry:      message.Results.Expiry.UTC().Format(time.RFC3339),
		Models:      []string{},
		Authorities: []string{},
		Sources:     []string{},
	}
	for _, one := range message.Results.Quads {
		found.Models = append(found.Models, one.Triple.Environment.Class.Model)
		for _, authority := range one.Authorities {
			found.Authorities = append(found.Authorities, fmt.Sprintf("%d(%x)", authority.Number, authority.Content))
		}
	}
	for _, one := range message.Results.Sources {
		found.Sources = append(found.Sources, one.MediaType)
	}
	return found, nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var q question
		err := json.Unmarshal(lines.Bytes(), &q)
		var found *read
		if err == nil {
			found, err = judge(q)
		}
		if err != nil {
			err = answers.Encode(map[string]string{"refused": err.Error()})
		} else {
			err = answers.Encode(found)
		}
		if err != nil {
			panic(err)
		}
	}
}
