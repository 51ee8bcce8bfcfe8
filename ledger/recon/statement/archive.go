package statement

import (
	"archive/zip"
	"bytes"
	"io"
	"strconv"
	"strings"
)

// Limits of an archive.
const (
	membersMax = 20
	unpackMax  = 256 << 20 // bytes of all members together
	ratioMax   = 200       // a member may unpack to so many times its size
)

// unpack puts the bill in the place of the zip in which it came.
func (r *reader) unpack() (err error) {
	r.body, r.sum.Member, err = Unpack(r.body)
	return err
}

// Unpack takes the one bill out of a zip, as Alipay sends it; other files stay as they are, without a name. Lines of a packed bill
// point into what this gives. Nothing is written anywhere, so that a member's path means nothing; a member that is no plain file is
// refused all the same. Archives in it are not opened. *Refusal.
func Unpack(body []byte) (bill []byte, name string, err error) {
	if !bytes.HasPrefix(body, []byte("PK\x03\x04")) && !bytes.HasPrefix(body, []byte("PK\x05\x06")) {
		return body, "", nil
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, "", refuse(ReasonArchive, 0, "", "")
	}
	if len(archive.File) > membersMax {
		return nil, "", refuse(ReasonArchive, 0, strconv.Itoa(membersMax), strconv.Itoa(len(archive.File)))
	}
	room := int64(unpackMax)
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if strings.HasPrefix(f.Name, "xl/") || f.Name == "[Content_Types].xml" {
			return nil, "", refuse(ReasonFormat, 0, "", f.Name) // a spreadsheet
		}
		if !f.Mode().IsRegular() {
			return nil, "", refuse(ReasonArchive, 0, "", f.Name)
		}
		body, err := member(f, room)
		if err != nil {
			return nil, "", err
		}
		if room -= int64(len(body)); Detect(body) != AlipayTrade {
			continue
		}
		if bill != nil {
			return nil, "", refuse(ReasonArchive, 0, name, f.Name)
		}
		bill, name = body, clean(f.Name)
	}
	if bill == nil {
		return nil, "", refuse(ReasonArchive, 0, "", "")
	}
	return bill, name, nil
}

// member unpacks one file, as far as there is room; what its header says of its size is not believed.
func member(f *zip.File, room int64) ([]byte, error) {
	most := min(room, max(int64(f.CompressedSize64), 1024)*ratioMax)
	in, err := f.Open()
	if err != nil {
		return nil, refuse(ReasonArchive, 0, "", f.Name)
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil || int64(len(body)) > most {
		return nil, refuse(ReasonArchive, 0, strconv.FormatInt(most, 10), f.Name)
	}
	return body, nil
}
