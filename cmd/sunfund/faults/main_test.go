package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sunfund/internal/skipped"
)

var (
	long    = flag.Bool("long", false, "run the long set")
	seed    = flag.Uint64("seed", 0, "seed of the run; 0: another one each time")
	program = flag.String("program", "", "the sunfund program to test; empty: build it")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	began := time.Now()
	code := m.Run()
	if base.dir != "" {
		_ = os.RemoveAll(base.dir)
	}
	if *long || testing.Verbose() {
		report(time.Since(began))
	}
	os.Exit(code)
}

// times is how often something is done: in CI, and in the long set.
func times(ci, atLength int) int {
	if *long {
		return atLength
	}
	return ci
}

// dice gives the random numbers of one scenario, the same for the same seed.
func dice(scenario string) *rand.Rand {
	h := *seed
	for _, b := range []byte(scenario) {
		h = h*1099511628211 + uint64(b)
	}
	return rand.New(rand.NewPCG(*seed, h))
}

// figures are what one scenario showed.
type figures struct {
	name                        string
	faults                      int
	requests, acked             int // gifts sent, and those whose first answer or its repetition came before the audit
	unresolved                  int // gifts that had no answer and were sent again by the audit
	lost, doubled, stray, wrong int
	firstSuccess                []time.Duration // from each fault to the next gift that was acknowledged
	expectLoss                  bool            // a control
	note                        string
}

var (
	tableLock sync.Mutex
	table     []*figures
	skips     []string
)

func tell(f *figures) {
	tableLock.Lock()
	defer tableLock.Unlock()
	table = append(table, f)
}

// skip leaves out a scenario that this machine cannot run; the table tells of it too.
func skip(t *testing.T, reason string) {
	t.Helper()
	noted(t, reason)
	t.Skip("SKIP ", reason)
}

// noted is skip for a part of a scenario that goes on.
func noted(t *testing.T, reason string) {
	t.Helper()
	tableLock.Lock()
	defer tableLock.Unlock()
	skips = append(skips, t.Name()+": "+reason)
	skipped.Part(t, reason)
}

// together lets the short set share the time; the long one measures, so its scenarios run one by one.
func together(t *testing.T) {
	if !*long {
		t.Parallel()
	}
}

func report(took time.Duration) {
	fmt.Printf("\nseed %d, %d s\n\n", *seed, int(took.Seconds()))
	fmt.Println("| scenario | faults | gifts sent | acknowledged | sent again | lost | doubled | never sent | wrong answers | first success, median / worst | |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, f := range table {
		lost := fmt.Sprint(f.lost)
		if f.expectLoss {
			lost += " (wanted: more than 0)"
		}
		fmt.Printf("| %s | %d | %d | %d | %d | %s | %d | %d | %d | %s | %s |\n", f.name, f.faults, f.requests, f.acked, f.unresolved,
			lost, f.doubled, f.stray, f.wrong, spread(f.firstSuccess), f.note)
	}
	fmt.Printf("\n%d skipped\n", len(skips))
	if len(skips) > 0 {
		fmt.Println("SKIP " + strings.Join(skips, "\nSKIP "))
	}
}

// spread tells the median and the longest of some times.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "–"
	}
	sorted := slices.Sorted(slices.Values(all))
	return fmt.Sprintf("%.2f s / %.2f s", sorted[len(sorted)/2].Seconds(), sorted[len(sorted)-1].Seconds())
}
