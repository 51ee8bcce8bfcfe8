package statement

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"sunfund/internal/sheet"
)

// Limits of an XML message.
const (
	depthMax = 32
	nodesMax = 500_000 // of one entry with all its transactions
	tagMax   = 64 << 10
)

// node is an element of a message.
type node struct {
	name  string
	ccy   string // attribute Ccy
	text  string
	nodes []*node
}

// at goes down a path; nil where it ends.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		var next *node
		for _, c := range n.nodes {
			if c.name == name {
				next = c
				break
			}
		}
		n = next
	}
	return n
}

// of gives the text at a path.
func (n *node) of(path ...string) string {
	if n = n.at(path...); n == nil {
		return ""
	}
	return n.text
}

// first gives the first text that is not empty.
func (n *node) first(paths ...[]string) string {
	for _, path := range paths {
		if text := n.of(path...); text != "" {
			return text
		}
	}
	return ""
}

// all gives the children of a name.
func (n *node) all(name string) (list []*node) {
	if n == nil {
		return nil
	}
	for _, c := range n.nodes {
		if c.name == name {
			list = append(list, c)
		}
	}
	return list
}

// meter reads a file and ends it where a tag or a text is endless, before the decoder makes a string of it.
type meter struct {
	in  *bytes.Reader
	run int
}

var errTag = errors.New("endless tag or text")

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	for _, b := range p[:n] {
		if b == '<' || b == '>' {
			m.run = 0
		} else if m.run++; m.run > tagMax {
			return 0, errTag
		}
	}
	return n, err
}

// document walks over a message: its text is UTF-8 by now.
type document struct {
	*reader
	dec   *xml.Decoder
	text  []byte
	place place
	depth int
}

// place turns offsets of the decoded text into offsets and lines of the file, by the angle brackets: every charset that is read has
// them as single bytes. It goes forward only.
type place struct {
	raw, text []byte
	at, of    int // the same spot in raw, in text
	line      int
}

func (p *place) find(offset int) (at, line int) {
	brackets := bytes.Count(p.text[p.of:offset], []byte("<"))
	begin := p.at
	if &p.raw[0] == &p.text[0] {
		p.at = offset
	} else {
		for ; brackets > 0; brackets-- {
			p.at += bytes.IndexByte(p.raw[p.at:], '<') + 1
		}
		if next := bytes.IndexByte(p.raw[p.at:], '<'); next >= 0 {
			p.at += next
		}
	}
	p.of = offset
	p.line += bytes.Count(p.raw[begin:p.at], []byte("\n"))
	return p.at, p.line + 1
}

// document opens an XML message. ReasonCharset, ReasonShape.
func (r *reader) document() (*document, error) {
	text := r.body
	if sheet.Foreign(text) {
		return nil, refuse(ReasonCharset, 0, "", "")
	}
	if charset := declared(text); charset != "utf-8" {
		decoded, err := sheet.Text(text, charset)
		if err != nil {
			return nil, refuse(ReasonCharset, 0, "", charset)
		}
		text = []byte(decoded)
	}
	d := &document{reader: r, text: text, place: place{raw: r.body, text: text}}
	d.dec = xml.NewDecoder(&meter{in: bytes.NewReader(text)})
	d.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	return d, nil
}

// declared tells the charset that an XML file declares.
func declared(body []byte) string {
	head := string(body[:min(len(body), 200)])
	head, _, _ = strings.Cut(head, "?>")
	_, after, ok := strings.Cut(head, "encoding=")
	if !ok || len(after) < 2 {
		return "utf-8"
	}
	name, _, _ := strings.Cut(after[1:], after[:1])
	switch name = strings.ToLower(name); name {
	case "us-ascii", "utf8":
		return "utf-8"
	case "gbk", "gb2312":
		return "gb18030"
	case "latin1":
		return "iso-8859-1"
	}
	return name
}

// token gives the next one that matters. Document types are refused, comments and processing instructions passed over.
func (d *document) token() (xml.Token, error) {
	for {
		token, err := d.dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, d.broken(err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, refuse(ReasonDoctype, d.line(), "", "")
		case xml.StartElement:
			if d.depth++; d.depth > depthMax || len(t.Attr) > 20 {
				return nil, refuse(ReasonShape, d.line(), "", t.Name.Local)
			}
		case xml.EndElement:
			d.depth--
		case xml.Comment, xml.ProcInst:
			continue
		}
		return token, nil
	}
}

func (d *document) line() int {
	line, _ := d.dec.InputPos()
	return line
}

func (d *document) broken(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "UTF-8"):
		return refuse(ReasonCharset, syntax.Line, "", "")
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "entity"):
		return refuse(ReasonDoctype, syntax.Line, "", "")
	}
	return refuse(ReasonShape, d.line(), "", "") // the bytes are in memory: nothing else can fail
}

// tree reads an element to its end. Raw tokens do not check that tags match: the tree does.
func (d *document) tree(start xml.StartElement) (*node, error) {
	root := &node{name: start.Name.Local, ccy: ccyOf(start)}
	open := []*node{root}
	for count := 0; len(open) > 0; {
		token, err := d.token()
		if errors.Is(err, io.EOF) {
			return nil, refuse(ReasonShape, d.line(), "</"+root.name+">", "")
		}
		if err != nil {
			return nil, err
		}
		in := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > nodesMax {
				return nil, refuse(ReasonShape, d.line(), "", t.Name.Local)
			}
			child := &node{name: t.Name.Local, ccy: ccyOf(t)}
			in.nodes = append(in.nodes, child)
			open = append(open, child)
		case xml.EndElement:
			if t.Name.Local != in.name {
				return nil, refuse(ReasonShape, d.line(), "</"+in.name+">", "</"+t.Name.Local+">")
			}
			in.text = strings.TrimSpace(in.text)
			open = open[:len(open)-1]
		case xml.CharData:
			if len(in.nodes) == 0 && len(bytes.TrimSpace(t)) > 0 && len(in.text) < tagMax {
				in.text += string(t)
			}
		}
	}
	return root, nil
}

func ccyOf(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "Ccy" {
			return a.Value
		}
	}
	return ""
}
