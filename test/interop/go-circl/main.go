// Judges sealed requests with circl's HPKE and Go's own HKDF and AES-GCM: reads one question a line as JSON, and answers each with one.
package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/cloudflare/circl/hpke"
	"github.com/cloudflare/circl/kem"
)

type question struct {
	Do      string   `json:"do"`
	Form    string   `json:"form"`
	Ikm     string   `json:"ikm"`
	Keys    string   `json:"keys"`
	Request string   `json:"request"`
	Message []string `json:"message"`
	Reply   any      `json:"reply"`
}

type answer map[string]any

var header = []byte{7, 0, 0x20, 0, 1, 0, 1}

func label(form, what string) []byte {
	if form == "whole" {
		return []byte("message/bhttp " + what)
	}
	return []byte("message/bhttp chunked " + what)
}

func suite() (hpke.Suite, kem.Scheme) {
	id := hpke.KEM_X25519_HKDF_SHA256
	return hpke.NewSuite(id, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES128GCM), id.Scheme()
}

func info(form string) []byte { return append(append(label(form, "request"), 0), header...) }

// sealChunks writes every part but the last as an inner chunk, and the last one as the end.
func sealChunks(parts [][]byte, seal func(part, aad []byte) ([]byte, error)) ([]byte, error) {
	var out []byte
	for i, part := range append(parts, nil) {
		last := i == len(parts)
		var aad []byte
		if last {
			aad = []byte("final")
		}
		sealed, err := seal(part, aad)
		if err != nil {
			return nil, err
		}
		if last {
			out = append(out, 0)
		} else {
			out = binary.BigEndian.AppendUint32(out, 0x80000000|uint32(len(sealed)))
		}
		out = append(out, sealed...)
	}
	return out, nil
}

func openChunks(body []byte, open func(chunk, aad []byte) ([]byte, error)) ([]byte, error) {
	var out []byte
	for {
		if len(body) == 0 {
			return nil, errors.New("no last chunk")
		}
		size := 1 << (body[0] >> 6)
		if len(body) < size {
			return nil, errors.New("cut")
		}
		length := uint64(body[0] & 0x3f)
		for _, b := range body[1:size] {
			length = length<<8 | uint64(b)
		}
		body = body[size:]
		if length == 0 {
			part, err := open(body, []byte("final"))
			return append(out, part...), err
		}
		if uint64(len(body)) < length {
			return nil, errors.New("cut")
		}
		part, err := open(body[:length], nil)
		if err != nil {
			return nil, err
		}
		out, body = append(out, part...), body[length:]
	}
}

type exporter interface{ Export(context []byte, length uint) []byte }

// replyCipher gives what seals or opens the next chunk of a reply, under a nonce of its own.
func replyCipher(context exporter, form string, enc, nonce []byte) (cipher.AEAD, func() []byte, error) {
	secret := context.Export(label(form, "response"), 16)
	prk, err := hkdf.Extract(sha256.New, secret, append(append([]byte{}, enc...), nonce...))
	if err != nil {
		return nil, nil, err
	}
	key, _ := hkdf.Expand(sha256.New, prk, "key", 16)
	base, _ := hkdf.Expand(sha256.New, prk, "nonce", 12)
	block, _ := aes.NewCipher(key)
	aead, err := cipher.NewGCM(block)
	count := uint32(0)
	next := func() []byte {
		iv := append([]byte{}, base...)
		binary.BigEndian.PutUint32(iv[8:], binary.BigEndian.Uint32(iv[8:])^count)
		count++
		return iv
	}
	return aead, next, err
}

func unhex(list any) ([][]byte, error) {
	var parts [][]byte
	for _, one := range list.([]any) {
		part, err := hex.DecodeString(one.(string))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func open(q question) (answer, error) {
	ikm, _ := hex.DecodeString(q.Ikm)
	request, err := hex.DecodeString(q.Request)
	if err != nil || len(request) < 39 || string(request[:7]) != string(header) {
		return nil, errors.New("no request to this key")
	}
	suite, scheme := suite()
	_, private := scheme.DeriveKeyPair(ikm)
	receiver, err := suite.NewReceiver(private, info(q.Form))
	if err != nil {
		return nil, err
	}
	enc := request[7:39]
	opener, err := receiver.Setup(enc)
	if err != nil {
		return nil, err
	}
	var message []byte
	if q.Form == "whole" {
		message, err = opener.Open(request[39:], nil)
	} else {
		message, err = openChunks(request[39:], opener.Open)
	}
	if err != nil {
		return nil, err
	}
	parts, err := unhex(q.Reply)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, 16)
	rand.Read(nonce)
	aead, next, err := replyCipher(opener, q.Form, enc, nonce)
	if err != nil {
		return nil, err
	}
	seal := func(part, aad []byte) ([]byte, error) { return aead.Seal(nil, next(), part, aad), nil }
	var sealed []byte
	if q.Form == "whole" {
		var whole []byte
		for _, part := range parts {
			whole = append(whole, part...)
		}
		sealed, _ = seal(whole, nil)
	} else {
		sealed, _ = sealChunks(parts, seal)
	}
	return answer{"message": hex.EncodeToString(message), "reply": hex.EncodeToString(append(nonce, sealed...))}, nil
}

// client opens replies to the request that was sealed last.
var client func(form string, reply []byte) ([]byte, error)

func seal(q question) (answer, error) {
	list, err := hex.DecodeString(q.Keys)
	if err != nil || len(list) < 37 {
		return nil, errors.New("no keys")
	}
	suite, scheme := suite()
	public, err := scheme.UnmarshalBinaryPublicKey(list[5:37])
	if err != nil {
		return nil, err
	}
	sender, err := suite.NewSender(public, info(q.Form))
	if err != nil {
		return nil, err
	}
	enc, sealer, err := sender.Setup(rand.Reader)
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	var whole []byte
	for _, one := range q.Message {
		part, _ := hex.DecodeString(one)
		parts, whole = append(parts, part), append(whole, part...)
	}
	var sealed []byte
	if q.Form == "whole" {
		sealed, err = sealer.Seal(whole, nil)
	} else {
		sealed, err = sealChunks(parts, sealer.Seal)
	}
	if err != nil {
		return nil, err
	}
	client = func(form string, reply []byte) ([]byte, error) {
		if len(reply) < 16 {
			return nil, errors.New("cut")
		}
		aead, next, err := replyCipher(sealer, form, enc, reply[:16])
		if err != nil {
			return nil, err
		}
		open := func(chunk, aad []byte) ([]byte, error) { return aead.Open(nil, next(), chunk, aad) }
		if form == "whole" {
			return open(reply[16:], nil)
		}
		return openChunks(reply[16:], open)
	}
	body := append(append(append([]byte{}, header...), enc...), sealed...)
	return answer{"request": hex.EncodeToString(body)}, nil
}

func reply(q question) (answer, error) {
	sealed, err := hex.DecodeString(q.Reply.(string))
	if err != nil {
		return nil, err
	}
	message, err := client(q.Form, sealed)
	return answer{"message": hex.EncodeToString(message)}, err
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		found, err := map[string]func(question) (answer, error){"open": open, "seal": seal, "reply": reply}[q.Do](q)
		if err != nil {
			found = answer{"error": err.Error()}
		}
		text, _ := json.Marshal(found)
		fmt.Println(string(text))
	}
}
