package main

import (
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// verifyInclusion says "accepted", or what is wrong with a proof.
func verifyInclusion(p proof.TLogProof, leafHash []byte, logKey note.Verifier) string {
	checkpoint, _, _, err := log.ParseCheckpoint(p.Checkpoint, logKey.Name(), logKey)
	if err != nil {
		return err.Error()
	}
	hashes := make([][]byte, len(p.Hashes))
	for i, hash := range p.Hashes {
		hashes[i] = hash[:]
	}
	err = merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, checkpoint.Size, leafHash, hashes, checkpoint.Hash)
	if err != nil {
		return err.Error()
	}
	return "accepted"
}
