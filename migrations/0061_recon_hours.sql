-- Within how many hours money of statements should be explained: what the first page of the console counts by.
alter table recon_setting add column hours int2 not null default 24 check (hours between 1 and 720);
