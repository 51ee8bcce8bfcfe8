-- The sandbox takes foreign money too, and charges cards again and again.

alter table sandbox_session add column worth int8 check (worth > 0); -- minor units of the book's currency; null: no foreign money
