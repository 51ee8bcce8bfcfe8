package main

import (
	"strings"
	"testing"

	"sunfund/api/web"
	"sunfund/jobs"
)

// Every job has a name and a sentence in both languages.
func TestJobsHaveWords(t *testing.T) {
	t.Parallel()
	table, err := jobs.Table(jobs.Tools{})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range table {
		for _, key := range []string{"job." + j.Name, "job." + j.Name + ".what"} {
			for _, lang := range []web.Lang{web.ZH, web.EN} {
				if words := web.T(lang, key); strings.Contains(words, "⟦") {
					t.Errorf("%s lacks words in %s", key, lang)
				}
			}
		}
	}
}
