-- In which chains somebody is a recipient.
CREATE INDEX wraps_recipient ON wraps (recipient, kind, chain);
