// Fetches a policy bundle and an inclusion proof with the client that oapi-codegen makes of openapi.yaml, and writes what it read as JSON.
// Arguments: the service's address, the policy's name, the entry's index.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"

	"touchstone.invalid/api-client/touchstone"
)

func main() {
	index, err := strconv.Atoi(os.Args[3])
	exitOn(err)
	client, err := touchstone.NewClientWithResponses(os.Args[1])
	exitOn(err)
	ctx := context.Background()
	bundle, err := client.GetPolicyBundleWithResponse(ctx, os.Args[2], nil)
	exitOn(err)
	proof, err := client.GetInclusionProofWithResponse(ctx, index, nil)
	exitOn(err)
	exitOn(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"bundle": bundle.ApplicationvndTouchstonePolicyBundleJSON200,
		"proof":  proof.JSON200,
	}))
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
