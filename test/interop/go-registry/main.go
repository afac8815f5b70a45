// The registry and the client of go-containerregistry, beside which bundles are attached and found.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(os.Args[2] == "referrers")
	} else if len(os.Args) == 3 && os.Args[1] == "push" {
		push(os.Args[2])
	} else if len(os.Args) == 3 && os.Args[1] == "list" {
		list(os.Args[2])
	} else {
		log.Fatal("usage: serve referrers|tags, push NAME, list NAME@DIGEST")
	}
}

func serve(referrers bool) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Println(listener.Addr())
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	must(http.Serve(listener, registry.New(quiet, registry.WithReferrersSupport(referrers))))
}

// push makes a small image and prints its digest.
func push(repository string) {
	image, err := random.Image(256, 1)
	must(err)
	ref, err := name.ParseReference(repository + ":latest")
	must(err)
	must(remote.Write(ref, image))
	digest, err := image.Digest()
	must(err)
	fmt.Println(digest)
}

// list prints what this client finds beside an image: for each referrer the bytes of its one layer.
func list(reference string) {
	digest, err := name.NewDigest(reference)
	must(err)
	index, err := remote.Referrers(digest)
	must(err)
	manifest, err := index.IndexManifest()
	must(err)
	for _, descriptor := range manifest.Manifests {
		image, err := remote.Image(digest.Context().Digest(descriptor.Digest.String()))
		must(err)
		layers, err := image.Layers()
		must(err)
		content, err := layers[0].Compressed()
		must(err)
		bytes, err := io.ReadAll(content)
		must(err)
		os.Stdout.Write(bytes)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
