// Command client produces, consumes in a group, and uses transactions, with franz-go.
//
// Inputs: BOOTSTRAP (HOST:PORT,...), TOPIC and GROUP in the environment; RECORDS may change the number of records.
// SECURITY may name a JSON file; see security.go.
// With --during it produces and consumes until standard input ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	clientName = "go"
	partitions = 6
	// With this many keys every partition gets records.
	keys      = 60
	perSecond = 200
	// How long a client waits for records or acknowledgements.
	limit = 120 * time.Second
)

var (
	bootstrap    = strings.Split(os.Getenv("BOOTSTRAP"), ",")
	topic        = os.Getenv("TOPIC")
	group        = os.Getenv("GROUP")
	transactions = topic + "-transactions"
)

func main() {
	ctx := context.Background()
	switch {
	case topic == "" || group == "" || bootstrap[0] == "":
		fail(fmt.Errorf("client: BOOTSTRAP, TOPIC and GROUP must be in the environment"))
	case len(os.Args) == 1:
		say(once(ctx))
	case slices.Equal(os.Args[1:], []string{"--during"}):
		say(during(ctx))
	default:
		fail(fmt.Errorf("client: the only argument is --during; got %s", strings.Join(os.Args[1:], " ")))
	}
}

func version() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return module.Version
		}
	}
	return "unknown"
}

// hooks counts what the client tells of its connections.
type hooks struct{ counts *Counts }

func (hooks hooks) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil && !isOwnDoing(err) {
		hooks.counts.error("connect: ", err)
	}
}

func (hooks hooks) OnBrokerRead(_ kgo.BrokerMetadata, _ int16, _ int, _, _ time.Duration, err error) {
	if err != nil && !isOwnDoing(err) {
		hooks.counts.error("read: ", err)
	}
}

// isOwnDoing tells whether this client has given up a connection, as it does when it closes. The dialer has an error
// of its own for that, which has no name.
func isOwnDoing(err error) bool {
	return errors.Is(err, context.Canceled) || strings.HasSuffix(err.Error(), "operation was canceled")
}

func newClient(counts *Counts, options ...kgo.Opt) *kgo.Client {
	secured, err := securityOptions()
	if err != nil {
		fail(err)
	}
	client, err := kgo.NewClient(slices.Concat([]kgo.Opt{
		kgo.SeedBrokers(bootstrap...),
		kgo.WithHooks(hooks{counts}),
		kgo.RequiredAcks(kgo.AllISRAcks()), // idempotent by default
	}, secured, options)...)
	if err != nil {
		fail(err)
	}
	return client
}

func groupClient(counts *Counts, options ...kgo.Opt) *kgo.Client {
	return newClient(counts, append([]kgo.Opt{
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}, options...)...)
}

func createTopics(ctx context.Context, counts *Counts, names ...string) {
	client := newClient(counts)
	defer client.Close()
	created, err := kadm.NewClient(client).CreateTopics(ctx, partitions, -1, nil, names...)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		fail(err)
	}
}

func keyOf(number int) []byte {
	return fmt.Appendf(nil, "key-%d", number%keys)
}

func headersOf(number int) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: "number", Value: []byte(strconv.Itoa(number))},
		{Key: "client", Value: []byte(clientName)},
	}
}

func send(ctx context.Context, client *kgo.Client, counts *Counts, number int) {
	record := &kgo.Record{
		Topic:   topic,
		Key:     keyOf(number),
		Value:   []byte(strconv.Itoa(number)),
		Headers: headersOf(number),
	}
	counts.send()
	client.Produce(ctx, record, func(_ *kgo.Record, err error) {
		if err != nil {
			counts.error("delivery: ", err)
			return
		}
		counts.acknowledge(number)
	})
}

func produce(ctx context.Context, counts *Counts, from, to int) {
	client := newClient(counts)
	defer client.Close()
	for number := from; number < to; number++ {
		send(ctx, client, counts, number)
	}
	flush(ctx, client)
}

func flush(ctx context.Context, client *kgo.Client) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := client.Flush(limited); err != nil {
		fail(err)
	}
}

// poll reads what there is, and gives the client 200 ms for it.
func poll(ctx context.Context, client *kgo.Client, counts *Counts, take func(*kgo.Record)) {
	limited, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	fetches := client.PollFetches(limited)
	fetches.EachError(func(_ string, _ int32, err error) {
		if limited.Err() == nil {
			counts.error("fetch: ", err)
		}
	})
	fetches.EachRecord(take)
}

func readInto(counts *Counts) func(*kgo.Record) {
	return func(record *kgo.Record) {
		number, err := strconv.Atoi(string(record.Value))
		if err != nil {
			fail(err)
		}
		counts.read(number, slices.EqualFunc(record.Headers, headersOf(number), sameHeader))
	}
}

func sameHeader(one, other kgo.RecordHeader) bool {
	return one.Key == other.Key && string(one.Value) == string(other.Value)
}

// consume reads in the group until there is enough, commits, and leaves the group.
func consume(ctx context.Context, counts *Counts, enough func() bool) {
	client := groupClient(counts, kgo.DisableAutoCommit())
	defer client.Close()
	for began := time.Now(); !enough() && time.Since(began) < limit; {
		poll(ctx, client, counts, readInto(counts))
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		fail(err)
	}
}

func committed(ctx context.Context, counts *Counts) int64 {
	client := newClient(counts)
	defer client.Close()
	offsets, err := kadm.NewClient(client).FetchOffsets(ctx, group)
	if err != nil {
		fail(err)
	}
	var sum int64
	offsets.Each(func(offset kadm.OffsetResponse) { sum += offset.At })
	return sum
}

// transact commits, aborts and commits again: whoever reads the last records has passed the aborted ones.
func transact(ctx context.Context, counts *Counts) map[string]any {
	client := newClient(counts, kgo.TransactionalID(group))
	defer client.Close()
	for _, outcome := range []string{"committed", "aborted", "committed"} {
		if err := client.BeginTransaction(); err != nil {
			fail(err)
		}
		for number := range keys {
			client.Produce(ctx, &kgo.Record{Topic: transactions, Key: keyOf(number), Value: []byte(outcome)}, nil)
		}
		flush(ctx, client) // so that the records are in the log
		if err := client.EndTransaction(ctx, kgo.TransactionEndTry(outcome == "committed")); err != nil {
			fail(err)
		}
	}
	return map[string]any{
		"committed":       2 * keys,
		"aborted":         keys,
		"readCommitted":   readTransactions(ctx, counts, kgo.ReadCommitted()),
		"readUncommitted": readTransactions(ctx, counts, kgo.ReadUncommitted()),
	}
}

// readTransactions reads until all committed records have come, and returns how many records came.
func readTransactions(ctx context.Context, counts *Counts, isolation kgo.IsolationLevel) int {
	client := newClient(counts,
		kgo.ConsumeTopics(transactions),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(isolation))
	defer client.Close()
	came := map[string]int{}
	for began := time.Now(); came["committed"] < 2*keys && time.Since(began) < limit; {
		poll(ctx, client, counts, func(record *kgo.Record) { came[string(record.Value)]++ })
	}
	return came["committed"] + came["aborted"]
}

func once(ctx context.Context) map[string]any {
	counts := newCounts()
	records := 10_000
	if text := os.Getenv("RECORDS"); text != "" {
		var err error
		if records, err = strconv.Atoi(text); err != nil {
			fail(err)
		}
	}
	createTopics(ctx, counts, topic, transactions)
	produce(ctx, counts, 0, records)
	consume(ctx, counts, func() bool { return counts.seen() == records })
	ofGroup := committed(ctx, counts)

	// These records come behind the others in each partition, so a second run would read the others first.
	later := newCounts()
	produce(ctx, later, records, records+keys)
	consume(ctx, later, func() bool { return later.lost() == 0 })
	again := 0
	for number := range later.distinct {
		if number < records {
			again++
		}
	}
	for name, count := range later.errors {
		counts.errors[name] += count
	}
	return counts.report(map[string]any{
		"withHeaders": counts.withHeaders,
		"committed":   ofGroup,
		"again":       again,
		"transaction": transact(ctx, counts),
	})
}

func during(ctx context.Context) map[string]any {
	counts := newCounts()
	createTopics(ctx, counts, topic)
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	over := make(chan struct{})
	left := make(chan struct{})
	go func() {
		defer close(left)
		keepReading(ctx, counts, over)
	}()
	client := newClient(counts)
	defer client.Close()
	keepSending(ctx, client, counts, stop)
	flush(ctx, client)
	for began := time.Now(); counts.lost() > 0 && time.Since(began) < limit; {
		time.Sleep(50 * time.Millisecond)
	}
	close(over)
	<-left
	return counts.report(map[string]any{"longestPauseMs": counts.longestPause.Milliseconds()})
}

func keepReading(ctx context.Context, counts *Counts, over <-chan struct{}) {
	client := groupClient(counts)
	defer client.Close()
	told := false
	for {
		select {
		case <-over:
			return
		default:
			poll(ctx, client, counts, readInto(counts))
		}
		if !told && counts.seen() > 0 {
			told = true
			say(map[string]any{"flowing": true})
		}
	}
}

func keepSending(ctx context.Context, client *kgo.Client, counts *Counts, stop <-chan struct{}) {
	began := time.Now()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for number := 0; ; {
		for number < int(time.Since(began).Seconds()*perSecond) {
			send(ctx, client, counts, number)
			number++
		}
		select {
		case <-stop:
			return
		case <-ticks.C:
		}
	}
}
