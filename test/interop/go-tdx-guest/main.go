// Judges quotes with google/go-tdx-guest: one JSON object a line on standard input, one JSON string a line on standard output,
// "accepted" or what the library says. The collateral is answered from the input; nothing is fetched.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/go-tdx-guest/pcs"
	"github.com/google/go-tdx-guest/verify"
)

type collateral struct {
	TcbInfo, TcbInfoSignature, TcbInfoIssuerChain          string
	QeIdentity, QeIdentitySignature, QeIdentityIssuerChain string
	PckCrl, PckCrlIssuerChain, RootCaCrl                   string
}

type input struct {
	Quote      string
	Now        time.Time
	Collateral collateral
}

// Get answers in place of Intel's service.
func (c collateral) Get(address string) (map[string][]string, []byte, error) {
	header := func(name, chain string) map[string][]string {
		return map[string][]string{name: {url.QueryEscape(chain)}}
	}
	document := func(name, text, signature string) []byte {
		return []byte(fmt.Sprintf(`{"%s":%s,"signature":"%s"}`, name, text, signature))
	}
	switch {
	case strings.HasPrefix(address, pcs.TdxBaseURL+"/tcb?"):
		return header(pcs.TcbInfoIssuerChainPhrase, c.TcbInfoIssuerChain), document("tcbInfo", c.TcbInfo, c.TcbInfoSignature), nil
	case address == pcs.QeIdentityURL():
		return header(pcs.SgxQeIdentityIssuerChainPhrase, c.QeIdentityIssuerChain), document("enclaveIdentity", c.QeIdentity, c.QeIdentitySignature), nil
	case strings.HasPrefix(address, pcs.SgxBaseURL+"/pckcrl?"):
		list, err := hex.DecodeString(c.PckCrl)
		return header(pcs.SgxPckCrlIssuerChainPhrase, c.PckCrlIssuerChain), list, err
	default:
		list, err := hex.DecodeString(c.RootCaCrl)
		return nil, list, err
	}
}

func judge(in input) string {
	quote, err := hex.DecodeString(in.Quote)
	if err != nil {
		return err.Error()
	}
	now := &verify.TimeSet{PckCertChain: in.Now, TcbInfo: in.Now, QeIdentity: in.Now, PckCrl: in.Now, RootCaCrl: in.Now}
	options := &verify.Options{CheckRevocations: true, GetCollateral: true, Getter: in.Collateral, Now: now}
	if err := verify.RawTdxQuote(quote, options); err != nil {
		return err.Error()
	}
	return "accepted"
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 4<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var in input
		if err := json.Unmarshal(lines.Bytes(), &in); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := answers.Encode(judge(in)); err != nil {
			os.Exit(1)
		}
	}
}
