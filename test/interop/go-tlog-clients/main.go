// Reads a log with clients that are not ours, and says what each of them makes of it, one JSON object a line. Usage:
// go-tlog-clients URL|FOLDER vkey policy-file pairs-folder [plain]
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A result is what one program says of one kind of question.
type result struct {
	Program string `json:"program"`
	Check   string `json:"check"`
	Passed  int    `json:"passed"`
	Total   int    `json:"total"`
	Error   string `json:"error"`
}

func (r *result) count(err error) {
	r.Total++
	if err == nil {
		r.Passed++
	} else if r.Error == "" {
		r.Error = err.Error()
	}
}

func (r *result) say() {
	line, _ := json.Marshal(r)
	fmt.Println(string(line))
}

func check(program, name string, run func(r *result)) {
	r := &result{Program: program, Check: name}
	run(r)
	r.say()
}

// A source is the log over HTTP, where codings counts the Content-Encoding of the entry bundles that came.
type source struct {
	base    string
	client  *http.Client
	codings map[string]int
	// Tessera's client asks for several at once.
	counting sync.Mutex
}

func (s *source) RoundTrip(request *http.Request) (*http.Response, error) {
	// Go's transport asks for gzip by itself, and takes the header field out of the answer.
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil && strings.Contains(request.URL.Path, "/tile/entries/") {
		coding := "plain"
		if response.Uncompressed {
			coding = "gzip"
		}
		s.counting.Lock()
		s.codings[coding]++
		s.counting.Unlock()
	}
	return response, err
}

func (s *source) read(path string) ([]byte, error) {
	response, err := s.client.Get(s.base + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}

// Height, ReadTiles and SaveTiles make it the tlog.TileReader of golang.org/x/mod.
func (s *source) Height() int { return 8 }

func (s *source) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		var err error
		// The paths of sumdb have the tile's height in them, those of tlog-tiles have not.
		if data[i], err = s.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1)); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (s *source) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	base, vkey, policyFile, pairs := strings.TrimSuffix(os.Args[1], "/")+"/", os.Args[2], os.Args[3], os.Args[4]
	if len(os.Args) > 5 {
		http.DefaultTransport.(*http.Transport).DisableCompression = true
	}
	s := &source{base: base, codings: map[string]int{}}
	s.client = &http.Client{Transport: s}
	verifier, err := note.NewVerifier(vkey)
	must(err)
	if !strings.HasPrefix(base, "http") {
		checkFolder(verifier, base)
		return
	}
	tree := checkNote(s, verifier)
	checkTlog(s, tree)
	checkTessera(s, verifier)
	checkTorchwood(s, tree, policyFile, pairs)
	line, _ := json.Marshal(map[string]any{"codings": s.codings})
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func checkNote(s *source, verifier note.Verifier) (tree tlog.Tree) {
	check("golang.org/x/mod sumdb/note", "checkpoint", func(r *result) {
		text, err := s.read("checkpoint")
		must(err)
		opened, err := note.Open(text, note.VerifierList(verifier))
		r.count(err)
		if err == nil {
			checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
			must(err)
			tree = checkpoint.Tree
		}
	})
	return tree
}

func checkTlog(s *source, tree tlog.Tree) {
	const program = "golang.org/x/mod sumdb/tlog"
	hashes := tlog.TileHashReader(tree, &cached{s, map[string][]byte{}})
	leaves, err := hashes.ReadHashes(leafIndexes(tree.N))
	must(err)
	check(program, "record proofs", func(r *result) {
		for i := range tree.N {
			p, err := tlog.ProveRecord(tree.N, i, hashes)
			if err == nil {
				err = tlog.CheckRecord(p, tree.N, tree.Hash, i, leaves[i])
			}
			r.count(err)
		}
	})
	check(program, "tree proofs", func(r *result) {
		for n := int64(1); n < tree.N; n++ {
			old, err := tlog.TreeHash(n, hashes)
			if err == nil {
				var p tlog.TreeProof
				if p, err = tlog.ProveTree(tree.N, n, hashes); err == nil {
					err = tlog.CheckTree(p, tree.N, tree.Hash, n, old)
				}
			}
			r.count(err)
		}
	})
	check(program, "old partial tiles", func(r *result) {
		for n := int64(1); n < tree.N; n++ {
			for _, tile := range tlog.NewTiles(8, n-1, n) {
				data, err := s.ReadTiles([]tlog.Tile{tile})
				if err == nil && tile.L == 0 {
					want := leaves[tile.N<<8 : tile.N<<8+int64(tile.W)]
					for i, hash := range want {
						if !bytes.Equal(data[0][32*i:32*i+32], hash[:]) {
							err = fmt.Errorf("%s: hash %d differs", tile.Path(), i)
						}
					}
				}
				r.count(err)
			}
		}
	})
}

func leafIndexes(n int64) []int64 {
	indexes := make([]int64, n)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	return indexes
}

// cached keeps tiles in memory, as clients do.
type cached struct {
	*source
	tiles map[string][]byte
}

func (c *cached) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		kept, ok := c.tiles[tile.Path()]
		if !ok {
			read, err := c.source.ReadTiles([]tlog.Tile{tile})
			if err != nil {
				return nil, err
			}
			kept = read[0]
			c.tiles[tile.Path()] = kept
		}
		data[i] = kept
	}
	return data, nil
}

func checkTessera(s *source, verifier note.Verifier) {
	const program = "transparency-dev/tessera client"
	ctx := context.Background()
	root, err := url.Parse(s.base)
	must(err)
	fetcher, err := client.NewHTTPFetcher(root, s.client)
	must(err)
	checkpoint, _, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, verifier.Name())
	check(program, "checkpoint", func(r *result) { r.count(err) })
	must(err)
	hashes := [][]byte{}
	check(program, "entry bundles", func(r *result) {
		size := func(context.Context) (uint64, error) { return checkpoint.Size, nil }
		for bundle, err := range client.EntryBundles(ctx, 2, size, fetcher.ReadEntryBundle, 0, checkpoint.Size) {
			if err == nil {
				var leaves [][]byte
				if leaves, err = hashBundle(bundle.Data); err == nil {
					hashes = append(hashes, leaves...)
				}
			}
			r.count(err)
		}
	})
	builder, err := client.NewProofBuilder(ctx, checkpoint.Size, fetcher.ReadTile)
	must(err)
	check(program, "inclusion proofs of the entries read", func(r *result) {
		for i, hash := range hashes {
			p, err := builder.InclusionProof(ctx, uint64(i))
			if err == nil {
				err = proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), checkpoint.Size, hash, p, checkpoint.Hash)
			}
			r.count(err)
		}
	})
	check("transparency-dev/tessera fsck", "the whole log", func(r *result) {
		r.count(fsck.New(verifier.Name(), verifier, fetcher, hashBundle, fsck.Opts{N: 2}).Check(ctx))
	})
}

func hashBundle(data []byte) ([][]byte, error) {
	bundle := &api.EntryBundle{}
	if err := bundle.UnmarshalText(data); err != nil {
		return nil, err
	}
	hashes := [][]byte{}
	for _, entry := range bundle.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

// checkFolder is for a mirror of ours.
func checkFolder(verifier note.Verifier, folder string) {
	check("transparency-dev/tessera fsck", "our mirror's folder", func(r *result) {
		fetcher := &client.FileFetcher{Root: folder}
		r.count(fsck.New(verifier.Name(), verifier, fetcher, hashBundle, fsck.Opts{N: 2}).Check(context.Background()))
	})
}

func checkTorchwood(s *source, tree tlog.Tree, policyFile, pairs string) {
	const program = "filippo.io/torchwood"
	ctx := context.Background()
	text, err := os.ReadFile(policyFile)
	must(err)
	policy, err := torchwood.ParsePolicy(text)
	check(program, "tlog-policy of the trust root", func(r *result) { r.count(err) })
	must(err)
	check(program, "checkpoint with its quorum", func(r *result) {
		signed, err := s.read("checkpoint")
		must(err)
		_, _, err = torchwood.VerifyCheckpoint(signed, policy)
		r.count(err)
	})
	fetcher, err := torchwood.NewTileFetcher(s.base, torchwood.WithHTTPClient(s.client))
	must(err)
	reader, err := torchwood.NewClient(fetcher)
	must(err)
	check(program, "entries", func(r *result) {
		next := int64(0)
		for i := range reader.AllEntries(ctx, tree, 0) {
			if i == next {
				r.Passed++
			}
			next++
		}
		r.Total = int(tree.N)
		if err := reader.Err(); err != nil {
			r.Error = err.Error()
		}
	})
	check(program, "single entries with their proofs", func(r *result) {
		for i := int64(0); i < tree.N; i += 50 {
			_, _, err := reader.Entry(ctx, tree, i)
			r.count(err)
		}
	})
	files, err := filepath.Glob(filepath.Join(pairs, "*.tlog-proof"))
	must(err)
	check(program, "a .dsse.json with its .tlog-proof", func(r *result) {
		for _, file := range files {
			leaf, proof := readPair(file)
			r.count(torchwood.VerifyProof(policy, tlog.RecordHash(leaf), proof))
		}
	})
	check(program, "refusals of a changed .dsse.json", func(r *result) {
		for _, file := range files {
			leaf, proof := readPair(file)
			err := torchwood.VerifyProof(policy, tlog.RecordHash(append(leaf, '\n')), proof)
			if err != nil {
				r.count(nil)
			} else {
				r.count(fmt.Errorf("%s: accepted, %x", file, sha256.Sum256(leaf)))
			}
		}
	})
}

func readPair(proofFile string) (leaf, proof []byte) {
	leaf, err := os.ReadFile(strings.TrimSuffix(proofFile, ".tlog-proof") + ".dsse.json")
	must(err)
	proof, err = os.ReadFile(proofFile)
	must(err)
	return leaf, proof
}
