-- What a payer gave for a contract goes first to that contract's payments: its lane is named "contract:" and the contract's code. What was
-- followed before stays as it was.
alter table trace_out add contract text not null default '';
