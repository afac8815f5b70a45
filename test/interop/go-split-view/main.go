// Judges a split view with golang.org/x/mod: it shares no line with Touchstone. Arguments: the file, and the log's verifier key. It prints
// "proven", or why it is not, and ends with 1.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type splitView struct {
	Format, Origin, Smaller, Larger, Beginning string
	Consistency                                []string
}

// open verifies the log's signature under a checkpoint, and reads its tree.
func open(text string, log note.Verifier) (size int64, root tlog.Hash, err error) {
	opened, err := note.Open([]byte(text), note.VerifierList(log))
	if err != nil {
		return 0, root, err
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != log.Name() {
		return 0, root, errors.New("the log's key signed for another origin")
	}
	if size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return 0, root, err
	}
	root, err = tlog.ParseHash(lines[2])
	return size, root, err
}

func judge(view splitView, log note.Verifier) error {
	smallSize, smallRoot, err := open(view.Smaller, log)
	if err != nil {
		return err
	}
	largeSize, largeRoot, err := open(view.Larger, log)
	if err != nil {
		return err
	}
	beginning, err := tlog.ParseHash(view.Beginning)
	if err != nil {
		return err
	}
	var proof tlog.TreeProof
	for _, text := range view.Consistency {
		hash, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(hash) != tlog.HashSize {
			return errors.New("malformed proof")
		}
		proof = append(proof, tlog.Hash(hash))
	}
	if err := tlog.CheckTree(proof, largeSize, largeRoot, smallSize, beginning); err != nil {
		return err
	}
	if beginning == smallRoot {
		return errors.New("both checkpoints are true")
	}
	return nil
}

func main() {
	bytes, err := os.ReadFile(os.Args[1])
	var view splitView
	var log note.Verifier
	if err == nil {
		err = json.Unmarshal(bytes, &view)
	}
	if err == nil {
		log, err = note.NewVerifier(os.Args[2])
	}
	if err == nil {
		err = judge(view, log)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("proven")
}
