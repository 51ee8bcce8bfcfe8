package main

import (
	"fmt"
	"runtime/debug"

	"sunfund/migrations"
)

type versionCmd struct{}

func (c *versionCmd) Run(term terminal) error {
	schema, err := migrations.Hash()
	if err != nil {
		return err
	}
	fmt.Fprintf(term.out, "sunfund %s\nschema %s\n", version(), schema[:16])
	return nil
}

// version is the release, or the commit that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
		if s.Key == "vcs.modified" && s.Value == "true" {
			text += " (modified)"
		}
	}
	return text + " " + info.GoVersion
}
