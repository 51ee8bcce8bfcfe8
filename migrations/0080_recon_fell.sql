-- How often a match of ours was taken apart names the entry that books it again; without this each count read every match of the book that fell.
create index recon_member_fell on recon_member (book_id, ours) where not live and part = 0;
