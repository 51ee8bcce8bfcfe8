-- What is expected at a bank follows from payments sent and cash carried; a payment's line is known by its number, or by amount and the payee's account.
-- The account's number is not kept: only its hash under the book's keys, of lines that take money out.
alter table ext_line add column party int8;
create index expectation_origin on expectation (book_id, origin) where origin is not null;
