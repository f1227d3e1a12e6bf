package yardstick

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// PeerMS is the unit in which Loop reports the time of a peer; Ratio and its like tell how
// many times as long as body it takes.
const PeerMS = "peer-ms"

var peer = flag.String("peer", "", "report how many times as long as unit benchmarks a program takes: its command, which prints a line when it is ready, and then the milliseconds that it takes for each line that it reads")

// NoPeer is what a benchmark says whose peer does not become ready.
const NoPeer = "the peer does not start"

// ownTurn is how long body runs before and after the peer.
const ownTurn = 20 * time.Millisecond

// besidePeer runs body in turns with the peer and with the normals.
func besidePeer(b *testing.B, body func()) (nanoseconds float64) {
	b.Helper()
	other, err := startProgram(*peer)
	if err != nil {
		b.Fatal(err)
	}
	defer other.stop()
	rng := rand.New(rand.NewPCG(1, 2))
	body()
	var all turns
	var owns, peers []float64
	for b.Loop() {
		before := normals(b, rng)
		first := take(body, ownTurn)
		ms, err := other.milliseconds()
		if err != nil {
			b.Fatal(err)
		}
		own := (first + take(body, ownTurn)) / 2
		owns, peers = append(owns, own), append(peers, ms)
		all = append(all, turn{1e6 * ms / own, (before + normals(b, rng)) / 2})
	}
	all.report(b)
	b.ReportMetric(median(peers), PeerMS)
	b.ReportMetric(median(owns), "ns/op")
	return median(owns)
}

// A program is a running peer.
type program struct {
	command *exec.Cmd
	ask     io.WriteCloser
	answers *bufio.Scanner
}

func startProgram(line string) (*program, error) {
	words := strings.Fields(line)
	c := exec.Command(words[0], words[1:]...) //nolint:gosec // the flag's command
	c.Stderr = os.Stderr
	ask, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	p := &program{c, ask, bufio.NewScanner(answers)}
	if !p.answers.Scan() {
		return nil, errors.New(NoPeer)
	}
	return p, nil
}

func (p *program) stop() {
	_ = p.ask.Close()
	_ = p.command.Wait()
}

// milliseconds asks for one measurement.
func (p *program) milliseconds() (float64, error) {
	if _, err := fmt.Fprintln(p.ask); err != nil {
		return 0, err
	}
	if !p.answers.Scan() {
		return 0, errors.New("the peer ended")
	}
	return strconv.ParseFloat(strings.TrimSpace(p.answers.Text()), 64)
}
