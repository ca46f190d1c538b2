package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kafkalab/providers/internal/standin"
)

// transcript captures what a command writes, and shows its lines in the engine's log as they come.
type transcript struct {
	mutex                    sync.Mutex
	stdout, stderr, combined bytes.Buffer
	log                      *lineLog
	lines                    *lineSplitter
	logsStdout, logsStderr   bool
}

// newTranscript starts a transcript for a job. Call close when the command has ended.
func newTranscript(ctx context.Context, j job) *transcript {
	logging := "stdoutAndStderr"
	if has(j.inputs, "logging") {
		logging = standin.Text(j.inputs, "logging")
	}
	log := newLineLog(ctx, j.Engine, j.URN)
	return &transcript{
		log: log, lines: &lineSplitter{emit: log.add},
		logsStdout: logging == "stdout" || logging == "stdoutAndStderr",
		logsStderr: logging == "stderr" || logging == "stdoutAndStderr",
	}
}

func (t *transcript) stdoutWriter() io.Writer { return transcriptWriter{t, &t.stdout, t.logsStdout} }
func (t *transcript) stderrWriter() io.Writer { return transcriptWriter{t, &t.stderr, t.logsStderr} }

// close returns once every line is in the engine's log.
func (t *transcript) close() {
	t.mutex.Lock()
	t.lines.flush()
	t.mutex.Unlock()
	t.log.close()
}

func (t *transcript) output() output {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return output{stdout: outputText(&t.stdout), stderr: outputText(&t.stderr)}
}

// combinedText returns both streams as they came, at most the last max bytes of them.
func (t *transcript) combinedText(max int) string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	text := t.combined.Bytes()
	omitted := ""
	if extra := len(text) - max; extra > 0 {
		text = text[extra:]
		omitted = fmt.Sprintf("... (%d bytes left out)\n", extra)
	}
	return omitted + standin.ValidText(string(text))
}

// outputText decodes a whole stream at once, so that no character is split, and drops one last newline.
func outputText(buffer *bytes.Buffer) string {
	return standin.ValidText(strings.TrimSuffix(buffer.String(), "\n"))
}

type transcriptWriter struct {
	transcript *transcript
	stream     *bytes.Buffer
	logged     bool
}

func (w transcriptWriter) Write(data []byte) (int, error) {
	w.transcript.mutex.Lock()
	defer w.transcript.mutex.Unlock()
	w.stream.Write(data)
	w.transcript.combined.Write(data)
	if w.logged {
		w.transcript.lines.write(data)
	}
	return len(data), nil
}

// maxLine is where a longer line is broken for the log.
const maxLine = 64 << 10

// lineSplitter cuts what a command writes, on both streams, into lines without their ends: a newline,
// and a carriage return before it.
type lineSplitter struct {
	partial []byte
	emit    func(line string)
}

func (s *lineSplitter) write(data []byte) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			s.partial = append(s.partial, data...)
			data = nil
		} else {
			s.partial = append(s.partial, data[:end]...)
			data = data[end+1:]
		}
		for len(s.partial) > maxLine {
			cut := maxLine
			for cut > maxLine-utf8.UTFMax && !utf8.RuneStart(s.partial[cut]) {
				cut--
			}
			s.emit(string(s.partial[:cut]))
			s.partial = s.partial[cut:]
		}
		if end >= 0 {
			s.end()
		}
	}
}

// flush ends a last line without a newline.
func (s *lineSplitter) flush() {
	if len(s.partial) > 0 {
		s.end()
	}
}

func (s *lineSplitter) end() {
	s.emit(string(bytes.TrimSuffix(s.partial, []byte("\r"))))
	s.partial = s.partial[:0]
}

// backlog is how many lines may wait for the engine before they are sent many at a time: a command
// that floods its output must not wait for its log.
const backlog = 100

// lineLog sends lines to the engine in order, beside the command.
type lineLog struct {
	mutex  sync.Mutex
	lines  []string
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

func newLineLog(ctx context.Context, engine *standin.Engine, urn resource.URN) *lineLog {
	log := &lineLog{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(log.done)
		for {
			message, ok := log.next()
			if !ok {
				return
			}
			engine.Info(ctx, urn, message)
		}
	}()
	return log
}

func (l *lineLog) add(line string) {
	l.mutex.Lock()
	l.lines = append(l.lines, line)
	l.mutex.Unlock()
	l.signal()
}

// close returns when all lines have been sent.
func (l *lineLog) close() {
	l.mutex.Lock()
	l.closed = true
	l.mutex.Unlock()
	l.signal()
	<-l.done
}

func (l *lineLog) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// next waits for lines. It returns one, or a message of up to maxLine bytes if too many wait.
func (l *lineLog) next() (string, bool) {
	for {
		l.mutex.Lock()
		if len(l.lines) > 0 {
			count := 1
			if len(l.lines) > backlog {
				for size := len(l.lines[0]); count < len(l.lines); count++ {
					if size += 1 + len(l.lines[count]); size > maxLine {
						break
					}
				}
			}
			message := strings.Join(l.lines[:count], "\n")
			l.lines = l.lines[count:]
			l.mutex.Unlock()
			return message, true
		}
		closed := l.closed
		l.mutex.Unlock()
		if closed {
			return "", false
		}
		<-l.wake
	}
}

func sorted(values map[string]string) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
