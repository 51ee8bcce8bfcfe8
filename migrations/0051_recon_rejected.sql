-- Candidates that a match of one with one was preferred to, and why; those of a group stand with the group. Matches by key have none.
alter table recon_member add column rejected jsonb;
