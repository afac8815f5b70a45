module touchstone.invalid/go-tdx-guest

go 1.22

require github.com/google/go-tdx-guest v0.3.2-0.20250814004405-ffb0869e6f4d

require (
	github.com/google/logger v1.1.1 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/crypto v0.17.0 // indirect
	google.golang.org/protobuf v1.34.2 // indirect
)
