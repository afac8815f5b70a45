// Prover answers inclusion proofs from a folder of tiles (C2SP tlog-tiles) with Tessera's ProofBuilder: a new one for each request, since
// one is neither safe for several at once nor bounded.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"

	"github.com/transparency-dev/tessera/client"
)

var folder = flag.String("folder", "", "folder of the tiles and the checkpoint")

type prover struct {
	files      client.FileFetcher
	checkpoint string
	size       uint64
}

func main() {
	flag.Parse()
	p := &prover{files: client.FileFetcher{Root: *folder}}
	text, err := p.files.ReadCheckpoint(context.Background())
	must(err)
	p.checkpoint = string(text)
	var origin string
	_, err = fmt.Sscanf(p.checkpoint, "%s\n%d\n", &origin, &p.size)
	must(err)
	http.HandleFunc("GET /v1/entries/{index}/proof", p.prove)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("http://%s\n", listener.Addr())
	must(http.Serve(listener, nil))
}

func (p *prover) prove(w http.ResponseWriter, r *http.Request) {
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	builder, err := client.NewProofBuilder(r.Context(), p.size, p.files.ReadTile)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	proof, err := builder.InclusionProof(r.Context(), index)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"index": index, "checkpoint": p.checkpoint, "proof": proof})
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
