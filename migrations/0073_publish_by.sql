-- Until when an end has to be public is a figure of the law of the book (R09): where no law has one, no day is kept.

alter table project drop constraint project_ended;
alter table project add constraint project_ended check ((state = 'ended') = (ended_on is not null) and (ended_on is not null or publish_by is null));
