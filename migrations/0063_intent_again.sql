-- A proposal that was declined gives its intent free as well, so that another may come of it.
drop index proposal_intent;
create unique index proposal_intent on proposal (book_id, intent_id) where intent_id is not null and state not in ('withdrawn', 'refused', 'declined');
