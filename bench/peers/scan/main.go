// Scan reads a log from a folder with the paths of C2SP tlog-tiles, on all cores: it parses every entry, verifies the publisher's
// signatures, hashes the entries, and compares the root with the checkpoint's. It knows no rules: it is what an audit cannot do without.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

const (
	width       = 256
	payloadType = "application/vnd.in-toto+json"
)

var (
	folder = flag.String("folder", "", "folder of the mirror")
	spki   = flag.String("spki", "", "the publisher's key: base64 of its SubjectPublicKeyInfo")
)

type envelope struct {
	Payload     string `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		KeyID string `json:"keyid"`
		Sig   string `json:"sig"`
	} `json:"signatures"`
}

type publisher struct {
	id  string
	key ed25519.PublicKey
}

func main() {
	flag.Parse()
	size, root := readCheckpoint()
	key := readKey()
	bundles := (size + width - 1) / width
	hashes := make([][][]byte, bundles)
	counts := make([]int, bundles)
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.NumCPU() {
		group.Go(func() {
			for i := range next {
				hashes[i], counts[i] = scanBundle(i, min(width, size-i*width), key)
			}
		})
	}
	for i := range bundles {
		next <- i
	}
	close(next)
	group.Wait()
	if found := rootOf(hashes); found != root {
		log.Fatalf("the entries lead to root %s, the checkpoint says %s", found, root)
	}
	signatures := 0
	for _, count := range counts {
		signatures += count
	}
	var used syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	cpu := float64(used.Utime.Nano()+used.Stime.Nano()) / 1e6
	fmt.Printf("{\"entries\":%d,\"signatures\":%d,\"cpuMs\":%.1f}\n", size, signatures, cpu)
}

// scanBundle gives the leaf hashes of a bundle, and how many of its signatures are the publisher's and verified.
func scanBundle(index, count int, by publisher) (hashes [][]byte, signatures int) {
	bytes, err := os.ReadFile(filepath.Join(*folder, bundlePath(index, count)))
	must(err)
	for range count {
		length := int(bytes[0])<<8 | int(bytes[1])
		entry := bytes[2 : 2+length]
		bytes = bytes[2+length:]
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
		signatures += verify(entry, by)
	}
	return hashes, signatures
}

func verify(entry []byte, by publisher) (verified int) {
	var e envelope
	must(json.Unmarshal(entry, &e))
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	must(err)
	signed := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
	for _, s := range e.Signatures {
		if s.KeyID != by.id {
			continue
		}
		signature, err := base64.StdEncoding.DecodeString(s.Sig)
		must(err)
		if !ed25519.Verify(by.key, signed, signature) {
			log.Fatalf("a signature does not verify")
		}
		verified++
	}
	return verified
}

func rootOf(bundles [][][]byte) string {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	tree := factory.NewEmptyRange(0)
	for _, hashes := range bundles {
		for _, hash := range hashes {
			must(tree.Append(hash, nil))
		}
	}
	root, err := tree.GetRootHash(nil)
	must(err)
	return base64.StdEncoding.EncodeToString(root)
}

// bundlePath is of C2SP tlog-tiles: three digits at a time, all but the last three after an "x".
func bundlePath(index, count int) string {
	path := fmt.Sprintf("%03d", index%1000)
	for rest := index / 1000; rest > 0; rest /= 1000 {
		path = fmt.Sprintf("x%03d/%s", rest%1000, path)
	}
	if count < width {
		path = fmt.Sprintf("%s.p/%d", path, count)
	}
	return "tile/entries/" + path
}

func readCheckpoint() (size int, root string) {
	text, err := os.ReadFile(filepath.Join(*folder, "checkpoint"))
	must(err)
	lines := strings.Split(string(text), "\n")
	_, err = fmt.Sscan(lines[1], &size)
	must(err)
	return size, lines[2]
}

func readKey() publisher {
	der, err := base64.StdEncoding.DecodeString(*spki)
	must(err)
	key, err := x509.ParsePKIXPublicKey(der)
	must(err)
	id := sha256.Sum256(der)
	return publisher{hex.EncodeToString(id[:]), key.(ed25519.PublicKey)}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
