package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Counts counts records by their numbers, and errors by their names.
type Counts struct {
	mutex        sync.Mutex
	produced     int
	acknowledged map[int]bool
	consumed     int
	distinct     map[int]bool
	withHeaders  int
	errors       map[string]int
	lastRead     time.Time
	longestPause time.Duration
}

func newCounts() *Counts {
	return &Counts{acknowledged: map[int]bool{}, distinct: map[int]bool{}, errors: map[string]int{}}
}

func (counts *Counts) send() {
	counts.mutex.Lock()
	defer counts.mutex.Unlock()
	counts.produced++
}

func (counts *Counts) acknowledge(number int) {
	counts.mutex.Lock()
	defer counts.mutex.Unlock()
	counts.acknowledged[number] = true
}

func (counts *Counts) read(number int, hasHeaders bool) {
	counts.mutex.Lock()
	defer counts.mutex.Unlock()
	now := time.Now()
	if counts.consumed > 0 {
		counts.longestPause = max(counts.longestPause, now.Sub(counts.lastRead))
	}
	counts.lastRead = now
	counts.consumed++
	counts.distinct[number] = true
	if hasHeaders {
		counts.withHeaders++
	}
}

func (counts *Counts) error(prefix string, err error) {
	counts.mutex.Lock()
	defer counts.mutex.Unlock()
	counts.errors[prefix+nameOf(err)]++
}

// nameOf returns Kafka's or the kernel's name of an error, and otherwise the end of its text without addresses.
func nameOf(err error) string {
	var ofKafka *kerr.Error
	if errors.As(err, &ofKafka) {
		return ofKafka.Message
	}
	var ofKernel syscall.Errno
	if errors.As(err, &ofKernel) {
		return ofKernel.Error()
	}
	parts := strings.Split(err.Error(), ": ")
	return parts[len(parts)-1]
}

// seen returns how many different records have been read.
func (counts *Counts) seen() int {
	counts.mutex.Lock()
	defer counts.mutex.Unlock()
	return len(counts.distinct)
}

// lost returns the number of acknowledged records that were not read.
func (counts *Counts) lost() int {
	counts.mutex.Lock()
	defer counts.mutex.Unlock()
	lost := 0
	for number := range counts.acknowledged {
		if !counts.distinct[number] {
			lost++
		}
	}
	return lost
}

func (counts *Counts) report(more map[string]any) map[string]any {
	lost := counts.lost()
	counts.mutex.Lock()
	defer counts.mutex.Unlock()
	report := map[string]any{
		"client":       clientName,
		"version":      version(),
		"produced":     counts.produced,
		"acknowledged": len(counts.acknowledged),
		"consumed":     counts.consumed,
		"distinct":     len(counts.distinct),
		"duplicates":   counts.consumed - len(counts.distinct),
		"lost":         lost,
		"errors":       counts.errors,
	}
	for name, value := range more {
		report[name] = value
	}
	return report
}

func say(report map[string]any) {
	text, err := json.Marshal(report)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(text))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
