package updates

import (
	"testing"

	"sunfund/internal/pgtest"
)

// Lists are picked by what they are of, also by the plans of a new book, which are kept.
func TestPlansOfLists(t *testing.T) {
	t.Parallel()
	pgtest.NoScans(t, map[string]string{"all": sqlShown, "campaign": sqlShownOfCampaign, "project": sqlShownOfProject, "fund": sqlShownOfFund, "written of a campaign": sqlWrittenOfCampaign, "written of a project": sqlWrittenOfProject,
		"picked": sqlPicked, "open": sqlOpen, "news": sqlNews})
}
