package pg

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// Whatever we write in one go, pgx would write element by element.
func TestArraysAreWrittenAsPgxWritesThem(t *testing.T) {
	t.Parallel()
	id, text, number := uuid.Must(uuid.NewV7()), "愿每个孩子都有阳光", int64(-7)
	values := []any{
		[]int16{1, -1, 32767}, []int32{1, -1, 1 << 30}, []int64{0, -1, 1 << 62}, []uuid.UUID{id, {}}, []*uuid.UUID{&id, nil}, []string{"", text},
		[]*string{&text, nil}, []*int64{&number, nil}, [][]byte{[]byte(text), {}, nil}, []int64{}, []int32(nil), []*string{nil},
	}
	oids := []uint32{pgtype.Int2ArrayOID, pgtype.Int4ArrayOID, pgtype.Int8ArrayOID, pgtype.UUIDArrayOID, pgtype.TextArrayOID, pgtype.VarcharArrayOID, pgtype.DateArrayOID, pgtype.ByteaArrayOID}
	for _, oid := range oids {
		for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
			for _, v := range values {
				plain, ours := pgtype.NewMap(), pgtype.NewMap()
				registerUUID(plain)
				registerUUID(ours)
				registerArrays(ours)
				want, wantErr := plain.Encode(oid, format, v, []byte("before"))
				got, err := ours.Encode(oid, format, v, []byte("before"))
				what := fmt.Sprintf("%T as %d in format %d", v, oid, format)
				if (err == nil) != (wantErr == nil) {
					t.Errorf("%s: %v, pgx says %v", what, err, wantErr)
				} else if err == nil && (!bytes.Equal(got, want) || (got == nil) != (want == nil)) {
					t.Errorf("%s: % x, pgx writes % x", what, got, want)
				}
			}
		}
	}
	m := pgtype.NewMap()
	registerUUID(m)
	registerArrays(m)
	if p, ok := m.PlanEncode(pgtype.UUIDArrayOID, pgtype.BinaryFormatCode, []uuid.UUID{id}).(*arrayEncode[uuid.UUID]); !ok || !p.same {
		t.Error("ids are not written in one go")
	}
}

func BenchmarkArray(b *testing.B) {
	ids := make([]uuid.UUID, 1000)
	for _, ours := range []bool{false, true} {
		b.Run(fmt.Sprintf("ours=%t", ours), func(b *testing.B) {
			m := pgtype.NewMap()
			registerUUID(m)
			if ours {
				registerArrays(m)
			}
			for b.Loop() {
				if _, err := m.Encode(pgtype.UUIDArrayOID, pgtype.BinaryFormatCode, ids, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
