// A control plane made of go-control-plane as its users have it: a snapshot cache behind its
// server, all services on one port. It takes snapshots as lines of JSON on stdin, and says what
// clients answer as lines of JSON on stdout.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strings"
	"sync"

	adminv3 "github.com/envoyproxy/go-control-plane/envoy/admin/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	// Types in resources that nothing else here brings in.
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	clusterservice "github.com/envoyproxy/go-control-plane/envoy/service/cluster/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	endpointservice "github.com/envoyproxy/go-control-plane/envoy/service/endpoint/v3"
	extensionservice "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	listenerservice "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	routeservice "github.com/envoyproxy/go-control-plane/envoy/service/route/v3"
	runtimeservice "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	secretservice "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// A line on stdin: everything there is from now on, by type URL, each resource the octets of its
// message.
type command struct {
	Version   string              `json:"version"`
	Resources map[string][][]byte `json:"resources"`
}

// A line on stdout. Of a request that answers nothing, nonce is empty.
type event struct {
	Port    int      `json:"port,omitempty"`
	Type    string   `json:"type,omitempty"`
	Delta   bool     `json:"delta,omitempty"`
	Version string   `json:"version,omitempty"`
	Nonce   string   `json:"nonce,omitempty"`
	Error   string   `json:"error,omitempty"`
	Names   []string `json:"names,omitempty"`
	// Of a response: its nonce is in Nonce.
	Sent bool `json:"sent,omitempty"`
}

var output sync.Mutex

func say(e event) {
	output.Lock()
	defer output.Unlock()
	line, _ := json.Marshal(e)
	fmt.Println(string(line))
}

func main() {
	node := flag.String("node", "test", "the node that snapshots are for")
	ads := flag.Bool("ads", true, "wait for all names before answering, as an aggregated server does")
	dump := flag.Bool("dump", false, "read a /config_dump from stdin, as strictly as Go does, and say what is in it")
	flag.Parse()
	if *dump {
		readDump()
		return
	}
	ctx := context.Background()
	snapshots := cache.NewSnapshotCache(*ads, cache.IDHash{}, nil)
	plane := server.NewServer(ctx, snapshots, callbacks())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	grpcServer := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(grpcServer, plane)
	clusterservice.RegisterClusterDiscoveryServiceServer(grpcServer, plane)
	endpointservice.RegisterEndpointDiscoveryServiceServer(grpcServer, plane)
	listenerservice.RegisterListenerDiscoveryServiceServer(grpcServer, plane)
	routeservice.RegisterRouteDiscoveryServiceServer(grpcServer, plane)
	secretservice.RegisterSecretDiscoveryServiceServer(grpcServer, plane)
	runtimeservice.RegisterRuntimeDiscoveryServiceServer(grpcServer, plane)
	extensionservice.RegisterExtensionConfigDiscoveryServiceServer(grpcServer, plane)
	go func() { fail(grpcServer.Serve(listener)) }()
	say(event{Port: listener.Addr().(*net.TCPAddr).Port})
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<26)
	for input.Scan() {
		if err := publish(ctx, snapshots, *node, input.Bytes()); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Every field has to be known, every type as well.
func readDump() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	dump := &adminv3.ConfigDump{}
	if err := protojson.Unmarshal(text, dump); err != nil {
		fail(err)
	}
	for _, section := range dump.GetConfigs() {
		message, err := section.UnmarshalNew()
		if err != nil {
			fail(err)
		}
		fmt.Println(message.ProtoReflect().Descriptor().Name(), counts(message))
	}
}

// The lists of a section that hold something: `dynamic_listeners=2`.
func counts(section proto.Message) string {
	found := []string{}
	section.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.IsList() {
			found = append(found, fmt.Sprintf("%s=%d", field.Name(), value.List().Len()))
		}
		return true
	})
	sort.Strings(found)
	return strings.Join(found, " ")
}

func publish(ctx context.Context, snapshots cache.SnapshotCache, node string, line []byte) error {
	var told command
	if err := json.Unmarshal(line, &told); err != nil {
		return err
	}
	resources := map[string][]types.Resource{}
	for url, list := range told.Resources {
		resources[url] = nil
		for _, octets := range list {
			message, err := (&anypb.Any{TypeUrl: url, Value: octets}).UnmarshalNew()
			if err != nil {
				return fmt.Errorf("%s: %w", url, err)
			}
			resources[url] = append(resources[url], message)
		}
	}
	snapshot, err := cache.NewSnapshot(told.Version, resources)
	if err != nil {
		return err
	}
	return snapshots.SetSnapshot(ctx, node, snapshot)
}

func callbacks() server.Callbacks {
	return server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, request *discovery.DiscoveryRequest) error {
			say(event{
				Type: request.GetTypeUrl(), Version: request.GetVersionInfo(),
				Nonce: request.GetResponseNonce(), Error: request.GetErrorDetail().GetMessage(),
				Names: request.GetResourceNames(),
			})
			return nil
		},
		StreamDeltaRequestFunc: func(_ int64, request *discovery.DeltaDiscoveryRequest) error {
			say(event{
				Type: request.GetTypeUrl(), Delta: true, Nonce: request.GetResponseNonce(),
				Error: request.GetErrorDetail().GetMessage(),
				Names: request.GetResourceNamesSubscribe(),
			})
			return nil
		},
		StreamResponseFunc: func(_ context.Context, _ int64, _ *discovery.DiscoveryRequest, response *discovery.DiscoveryResponse) {
			say(event{
				Type: response.GetTypeUrl(), Version: response.GetVersionInfo(),
				Nonce: response.GetNonce(), Sent: true,
			})
		},
		StreamDeltaResponseFunc: func(_ int64, _ *discovery.DeltaDiscoveryRequest, response *discovery.DeltaDiscoveryResponse) {
			say(event{
				Type: response.GetTypeUrl(), Delta: true, Version: response.GetSystemVersionInfo(),
				Nonce: response.GetNonce(), Sent: true,
			})
		},
	}
}
