-- Which correction booked an entry, and which break a request for a correction was made for: pages and matching ask by these.
create index correction_entry on correction (book_id, entry_id) where entry_id is not null;
create index break_event_form on break_event (book_id, evidence) where state = 'proposed' and evidence is not null;
