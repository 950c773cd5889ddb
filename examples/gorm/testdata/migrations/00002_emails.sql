-- +goose Up
ALTER TABLE customers ADD COLUMN email TEXT;
CREATE UNIQUE INDEX customers_email ON customers(email);
INSERT INTO settings VALUES ('mail', 'on');

-- +goose Down
DELETE FROM settings;
DROP INDEX customers_email;
ALTER TABLE customers DROP COLUMN email;
