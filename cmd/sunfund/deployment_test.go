package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// The container files are checked here as far as that goes without a container engine: their syntax,
// that they fit each other, and that they only call what this program has.

// compose is the part of the Compose file format that compose.yaml uses; any other key is an error.
type compose struct {
	Name     string
	Services map[string]struct {
		Image           string
		Build           string
		Command         []string
		Environment     map[string]string
		Configs         []struct{ Source, Target string }
		Volumes         []string
		Ports           []string
		Healthcheck     *healthcheck
		DependsOn       map[string]struct{ Condition string } `yaml:"depends_on"`
		ReadOnly        bool                                  `yaml:"read_only"`
		CapDrop         []string                              `yaml:"cap_drop"`
		SecurityOpt     []string                              `yaml:"security_opt"`
		ShmSize         string                                `yaml:"shm_size"`
		StopGracePeriod string                                `yaml:"stop_grace_period"`
		Restart         string
	}
	Configs map[string]struct{ Content string }
	Volumes map[string]struct{}
}

type healthcheck struct {
	Test              []string
	Interval, Timeout string
	StartPeriod       string `yaml:"start_period"`
	Retries           int
	Disable           bool
}

// commands are the names that the program knows.
func commands(t *testing.T) []string {
	t.Helper()
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, node := range parser.Model.Children {
		names = append(names, node.Name)
	}
	return names
}

func TestDeploymentCompose(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	known := commands(t)
	for name, s := range c.Services {
		if (s.Image == "") && (s.Build == "") {
			t.Errorf("%s has neither image nor build", name)
		}
		if s.Healthcheck == nil || !s.Healthcheck.Disable && (len(s.Healthcheck.Test) < 2 || s.Healthcheck.Test[0] != "CMD") {
			t.Errorf("%s has no health check that works without a shell", name)
		}
		if s.Build != "" && (len(s.Command) == 0 || !slices.Contains(known, s.Command[0])) {
			t.Errorf("%s runs %q, which is no command of ours", name, s.Command)
		}
		for other, on := range s.DependsOn {
			dependency, there := c.Services[other]
			if !there {
				t.Errorf("%s depends on %s, which is not there", name, other)
				continue
			}
			switch on.Condition {
			case "service_completed_successfully":
			case "service_healthy":
				if dependency.Healthcheck == nil || dependency.Healthcheck.Disable {
					t.Errorf("%s waits for the health of %s, which has no check", name, other)
				}
			default:
				t.Errorf("%s: unknown condition %q", name, on.Condition)
			}
		}
		for _, config := range s.Configs {
			if _, there := c.Configs[config.Source]; !there {
				t.Errorf("%s: no config %s", name, config.Source)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, there := c.Volumes[source]; !there {
				t.Errorf("%s: no volume %s", name, source)
			}
		}
		for key, value := range s.Environment {
			if (strings.Contains(key, "PASSWORD") || strings.Contains(key, "KEYS")) && !regexp.MustCompile(`^\$\{[A-Z_]+:\?.+\}$`).MatchString(value) {
				t.Errorf("%s: %s must come from the environment and must be required", name, key)
			}
		}
	}
	service, migrate := c.Services["sunfund"].Environment, c.Services["migrate"].Environment
	if !strings.Contains(service["DATABASE_URL"], "//sunfund_service@") || service["MIGRATE_DATABASE_URL"] != "" {
		t.Errorf("the service connects by %v", slices.Sorted(maps.Keys(service)))
	}
	if service["SUNFUND_KEYS"] == "" {
		t.Error("the service would not start without keys for personal data")
	}
	if !strings.Contains(migrate["MIGRATE_DATABASE_URL"], "//sunfund_owner@") || migrate["PGPASSWORD"] == service["PGPASSWORD"] {
		t.Error("migrate and service must use different roles and passwords")
	}
}

// instruction is one line of a Dockerfile, continuations joined.
type instruction struct{ name, rest string }

func dockerfile(t *testing.T) (stages [][]instruction) {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	comments := regexp.MustCompile(`(?m)^\s*#.*\n`)
	joined := strings.ReplaceAll(comments.ReplaceAllString(string(text), ""), "\\\n", " ")
	names := []string{"FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD", "ENV", "ARG", "LABEL"}
	for line := range strings.Lines(joined) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !slices.Contains(names, name) || strings.TrimSpace(rest) == "" {
			t.Fatalf("not an instruction: %s", line)
		}
		if name == "FROM" {
			stages = append(stages, nil)
		}
		if len(stages) == 0 {
			t.Fatalf("%s before the first FROM", name)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{name, rest})
	}
	return stages
}

func TestDeploymentDockerfile(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	if len(stages) != 2 {
		t.Fatalf("%d stages, want 2", len(stages))
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if from := stages[0][0].rest; from != "golang:"+string(wanted[1])+" AS build" {
		t.Errorf("built by %q, go.mod wants Go %s", from, wanted[1])
	}
	known := commands(t)
	last := map[string]string{}
	for _, i := range stages[1] {
		last[i.name] = i.rest
		switch i.name {
		case "RUN":
			t.Errorf("the final image has no shell to RUN %s", i.rest)
		case "COPY":
			if !strings.HasPrefix(i.rest, "--from=build ") {
				t.Errorf("the final image holds more than the program: COPY %s", i.rest)
			}
		case "CMD", "ENTRYPOINT":
			var words []string
			if err := json.Unmarshal([]byte(i.rest), &words); err != nil {
				t.Errorf("%s needs a shell: %s", i.name, i.rest)
			}
			if i.name == "CMD" && (len(words) == 0 || !slices.Contains(known, words[0])) {
				t.Errorf("CMD %s is no command of ours", i.rest)
			}
		}
	}
	if last["USER"] == "" || last["USER"] == "root" || last["USER"] == "0" {
		t.Errorf("the service runs as %q", last["USER"])
	}
	_, check, _ := strings.Cut(last["HEALTHCHECK"], "CMD ")
	if check != `["/sunfund", "health"]` || last["ENTRYPOINT"] != `["/sunfund"]` {
		t.Errorf("health is asked by %q, the program is %s", check, last["ENTRYPOINT"])
	}
}
