// Reads an in-toto statement with github.com/in-toto/attestation, which shares no line with Touchstone. Standard input is the statement; it
// prints what of it the library gives, or why the library refuses it, and ends with 1.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	svr "github.com/in-toto/attestation/go/predicates/svr/v01"
	attestation "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

type read struct {
	Subject       map[string]string `json:"subject"`
	PredicateType string            `json:"predicateType"`
	Properties    []any             `json:"properties"`
	// Whether the library's own type of the predicate, which is of version 0.1, reads it too.
	OldPredicate string `json:"oldPredicate"`
}

func judge(text []byte) (*read, error) {
	statement := &attestation.Statement{}
	if err := protojson.Unmarshal(text, statement); err != nil {
		return nil, err
	}
	if err := statement.Validate(); err != nil {
		return nil, err
	}
	found := &read{Subject: statement.Subject[0].Digest, PredicateType: statement.PredicateType, OldPredicate: "read"}
	found.Properties, _ = statement.Predicate.AsMap()["properties"].([]any)
	predicate, err := protojson.Marshal(statement.Predicate)
	if err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(predicate, &svr.SimpleVerificationResult{}); err != nil {
		found.OldPredicate = "refused"
	}
	return found, nil
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		var found *read
		if found, err = judge(text); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(found)
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
