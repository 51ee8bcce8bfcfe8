package pgtest_test

import (
	"context"
	"testing"

	"sunfund/internal/pgtest"
)

func TestNew(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a, b := pgtest.New(t), pgtest.New(t)
	if a.Name == b.Name {
		t.Fatalf("two tests share database %s", a.Name)
	}
	if _, err := a.Pool.Exec(ctx, `create table only_here (x int)`); err != nil {
		t.Fatal(err)
	}
	var there bool
	if err := b.Pool.QueryRow(ctx, `select to_regclass('only_here') is not null`).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if there {
		t.Error("a table of one test's database is seen in the other's")
	}
}

func TestServiceRole(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := pgtest.New(t)
	var user string
	var super, member bool
	err := db.Service.QueryRow(ctx, `select current_user, rolsuper, pg_has_role('sunfund_app', 'member')
		from pg_roles where rolname = current_user`).Scan(&user, &super, &member)
	if err != nil {
		t.Fatal(err)
	}
	if user != pgtest.Service || super || !member {
		t.Errorf("service connects as %s, superuser %t, member of sunfund_app %t", user, super, member)
	}
	if _, err := db.Service.Exec(ctx, `create table x (y int)`); err == nil {
		t.Error("the service may create tables")
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	var tables int
	err := db.Pool.QueryRow(context.Background(),
		`select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`).Scan(&tables)
	if err != nil {
		t.Fatal(err)
	}
	if tables != 0 {
		t.Errorf("an empty database has %d tables", tables)
	}
}
