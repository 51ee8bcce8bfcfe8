package pg

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// registerArrays teaches a connection to write the slices of a batch in one go. pgx encodes an array element by element
// through an interface, which cost a third of the client's time in a batch of gifts.
func registerArrays(m *pgtype.Map) {
	wraps := []pgtype.TryWrapEncodePlanFunc{
		wrapArray(pgtype.Int2OID, func(b []byte, v int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) }),
		wrapArray(pgtype.Int4OID, func(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }),
		wrapArray(pgtype.Int8OID, func(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }),
		wrapArray(pgtype.Int8OID, func(b []byte, v *int64) []byte {
			if v == nil {
				return nil
			}
			return binary.BigEndian.AppendUint64(b, uint64(*v))
		}),
		wrapArray(pgtype.ByteaOID, func(b, v []byte) []byte {
			if v == nil {
				return nil
			}
			return append(b, v...)
		}),
		wrapArray(pgtype.UUIDOID, func(b []byte, v uuid.UUID) []byte { return append(b, v[:]...) }),
		wrapArray(pgtype.UUIDOID, func(b []byte, v *uuid.UUID) []byte {
			if v == nil {
				return nil
			}
			return append(b, v[:]...)
		}),
		wrapArray(pgtype.TextOID, func(b []byte, v string) []byte { return append(b, v...) }),
		wrapArray(pgtype.TextOID, func(b []byte, v *string) []byte {
			if v == nil {
				return nil
			}
			return append(b, *v...)
		}),
	}
	m.TryWrapEncodePlanFuncs = append(wraps, m.TryWrapEncodePlanFuncs...)
}

// wrapArray writes []T as a binary array of elements of the type oid. put appends an element, or returns nil for null.
func wrapArray[T any](oid uint32, put func([]byte, T) []byte) pgtype.TryWrapEncodePlanFunc {
	return func(value any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
		list, ok := value.([]T)
		if !ok {
			return nil, nil, false
		}
		return &arrayEncode[T]{oid: oid, put: put}, pgtype.FlatArray[T](list), true
	}
}

type arrayEncode[T any] struct {
	oid  uint32
	put  func([]byte, T) []byte
	next pgtype.EncodePlan
	same bool // pgx would write the same bytes: the parameter is a binary array of this very type
}

// SetNext compares with pgx on one element, since the type of the parameter is known to pgx alone.
func (p *arrayEncode[T]) SetNext(next pgtype.EncodePlan) {
	p.next = next
	one := make([]T, 1)
	theirs, err := next.Encode(pgtype.FlatArray[T](one), nil)
	p.same = err == nil && bytes.Equal(theirs, p.write(nil, one))
}

func (p *arrayEncode[T]) Encode(value any, buf []byte) ([]byte, error) {
	list := value.([]T)
	if !p.same || len(list) == 0 {
		return p.next.Encode(pgtype.FlatArray[T](list), buf)
	}
	return p.write(buf, list), nil
}

// write appends the array: dimensions, whether there are nulls, element type, length, lower bound, elements.
func (p *arrayEncode[T]) write(buf []byte, list []T) []byte {
	const likely = 20 // bytes of an element with its length
	put4 := binary.BigEndian.AppendUint32
	buf = put4(slices.Grow(buf, likely*(len(list)+1)), 1)
	nulls := len(buf)
	buf = put4(put4(put4(put4(buf, 0), p.oid), uint32(len(list))), 1)
	for _, v := range list {
		at := len(buf)
		buf = put4(buf, 0)
		if with := p.put(buf, v); with != nil {
			buf = with
			binary.BigEndian.PutUint32(buf[at:], uint32(len(buf)-at-4))
		} else {
			binary.BigEndian.PutUint32(buf[at:], 1<<32-1)
			binary.BigEndian.PutUint32(buf[nulls:], 1)
		}
	}
	return buf
}
