package web

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger/disclosure"
)

// The feed is RSS 2.0.
type (
	feedItem struct {
		Title string `xml:"title"`
		Link  string `xml:"link"`
		GUID  struct {
			Permanent bool   `xml:"isPermaLink,attr"`
			ID        string `xml:",chardata"`
		} `xml:"guid"`
		Date string `xml:"pubDate"`
		Text string `xml:"description"`
	}
	feed struct {
		XMLName xml.Name   `xml:"rss"`
		Version string     `xml:"version,attr"`
		Title   string     `xml:"channel>title"`
		Link    string     `xml:"channel>link"`
		Text    string     `xml:"channel>description"`
		Lang    string     `xml:"channel>language"`
		Items   []feedItem `xml:"channel>item"`
	}
)

// disclosureFeed answers what was published lately as RSS.
func (v *visit) disclosureFeed() error {
	list, err := disclosure.List(v.ctx(), v.s.DB, v.book, "", time.Time{}, uuid.Nil, disclosurePage)
	if err != nil {
		return err
	}
	f := feed{Version: "2.0", Title: v.book.Name(string(v.lang)) + " · " + T(v.lang, "disclosure.heading"), Link: v.address() + disclosurePath, Text: T(v.lang, "disclosure.list.lead"), Lang: string(v.lang)}
	for _, e := range list {
		title := v.figuresTitle(&e.Figures) + " · " + T(v.lang, "disclosure.phase."+e.Phase)
		if e.Corrected {
			title += T(v.lang, "disclosure.corrected")
		}
		item := feedItem{Title: title, Link: v.address() + disclosurePath + "/" + e.ID.String() + "?version=" + strconv.Itoa(int(e.Version)), Date: e.PublishedAt.UTC().Format(time.RFC1123Z),
			Text: T(v.lang, "disclosure.summary", v.figuresTitle(&e.Figures), e.Figures.IncomeTotal, e.Figures.CostTotal, e.Figures.Closing)}
		item.GUID.ID = e.ID.String() + "-" + strconv.Itoa(int(e.Version))
		f.Items = append(f.Items, item)
	}
	body, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("write feed: %w", err)
	}
	return v.cached("application/rss+xml; charset=utf-8", append([]byte(xml.Header), body...))
}
