package pg

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// registerUUID teaches a connection uuid.UUID. Without it pgx takes ids for database/sql values and
// writes them as text, which cost more than half of the client's time in a batch of gifts.
func registerUUID(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{wrapUUIDEncode}, m.TryWrapEncodePlanFuncs...)
	m.TryWrapScanPlanFuncs = append([]pgtype.TryWrapScanPlanFunc{wrapUUIDScan}, m.TryWrapScanPlanFuncs...)
}

// uuidValue is uuid.UUID as pgx's own codec reads and writes it.
type uuidValue uuid.UUID

func (u uuidValue) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: u, Valid: true}, nil }

func (u *uuidValue) ScanUUID(v pgtype.UUID) error {
	if !v.Valid {
		return fmt.Errorf("cannot scan null into *uuid.UUID")
	}
	*u = v.Bytes
	return nil
}

func wrapUUIDEncode(value any) (plan pgtype.WrappedEncodePlanNextSetter, next any, ok bool) {
	if id, ok := value.(uuid.UUID); ok {
		return &uuidEncode{}, uuidValue(id), true
	}
	return nil, nil, false
}

type uuidEncode struct{ next pgtype.EncodePlan }

func (p *uuidEncode) SetNext(next pgtype.EncodePlan) { p.next = next }

func (p *uuidEncode) Encode(value any, buf []byte) ([]byte, error) {
	return p.next.Encode(uuidValue(value.(uuid.UUID)), buf)
}

func wrapUUIDScan(target any) (plan pgtype.WrappedScanPlanNextSetter, next any, ok bool) {
	if id, ok := target.(*uuid.UUID); ok {
		return &uuidScan{}, (*uuidValue)(id), true
	}
	return nil, nil, false
}

type uuidScan struct{ next pgtype.ScanPlan }

func (p *uuidScan) SetNext(next pgtype.ScanPlan) { p.next = next }

func (p *uuidScan) Scan(src []byte, target any) error {
	return p.next.Scan(src, (*uuidValue)(target.(*uuid.UUID)))
}
