import { goConnection } from "../connection";
import type { Template } from "./template";

/** The newest release that builds with Go 1.24. */
const VERSION = "v1.20.7";
const KGO = "github.com/twmb/franz-go/pkg/kgo";

/** The part of the program that no setting changes. */
const FUNCTIONS = `func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	record := fmt.Sprintf("hello-%d", time.Now().UnixNano())
	if err := produce(ctx, record); err != nil {
		log.Fatal(err)
	}
	if err := consume(ctx, record); err != nil {
		log.Fatal(err)
	}
}

// produce sends a record, and waits until all replicas in sync have it.
func produce(ctx context.Context, value string) error {
	client, err := kgo.NewClient(append(connection, kgo.RequiredAcks(kgo.AllISRAcks()))...)
	if err != nil {
		return err
	}
	defer client.Close()
	record, err := client.ProduceSync(ctx, &kgo.Record{
		Topic:   topic,
		Key:     []byte("hello"),
		Value:   []byte(value),
		Headers: []kgo.RecordHeader{{Key: "sender", Value: []byte("go")}},
	}).First()
	if err != nil {
		return err
	}
	fmt.Printf("sent %s to partition %d, offset %d\\n", value, record.Partition, record.Offset)
	return nil
}

// consume reads the topic as a member of a group until the record arrives, and commits its offset.
func consume(ctx context.Context, value string) error {
	client, err := kgo.NewClient(append(connection,
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // a new group starts with the oldest record
		kgo.DisableAutoCommit(),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, record := range fetches.Records() {
			if string(record.Value) == value {
				fmt.Printf("read %s from partition %d, offset %d\\n", value, record.Partition, record.Offset)
				return client.CommitRecords(ctx, record)
			}
		}
	}
}`;

/** A program for franz-go. */
export const go: Template = {
  file: "main.go",
  summary: "a program that sends a record and reads it back, with franz-go",
  comment: "//",
  command: ({ access, file }) => {
    const modules = [KGO, ...goConnection(access).franzPackages].map(
      (name) => `${name}@${VERSION}`,
    );
    return `go mod init kafkalab-client && go get ${modules.join(" ")} && go run ${file}`;
  },
  body: ({ access, topic }) => {
    const { packages, franzPackages, options, declarations } = goConnection(access);
    return `
package main

import (
${importLines(["context", "fmt", "log", "time", ...packages])}

${importLines([KGO, ...franzPackages])}
)

const (
	topic = "${topic}"
	group = "kafkalab-go"
)

// connection has the options of every client of the lab.
var connection = []kgo.Opt{
${options.join("\n")}
}

${declarations.map((line) => `${line}\n`).join("")}${FUNCTIONS}`;
  },
};

const importLines = (packages: readonly string[]) =>
  [...packages].sort().map((name) => `\t"${name}"`).join("\n"); // prettier-ignore
