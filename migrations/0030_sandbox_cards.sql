-- Cards that the sandbox refuses from now on, so that testers see what donors see.
create table sandbox_card (
  book_id int4 not null,
  plan_id uuid not null,
  dead    boolean not null,
  primary key (book_id, plan_id)
);
call raise_wall('sandbox_card');
grant select, insert, update on sandbox_card to sunfund_app;
