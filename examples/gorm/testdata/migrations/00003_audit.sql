-- +goose Up
CREATE TABLE audit(id INTEGER PRIMARY KEY, what TEXT);
-- +goose StatementBegin
CREATE TRIGGER customers_audit AFTER UPDATE ON customers
BEGIN
  INSERT INTO audit(what) VALUES (old.name || ' became ' || new.name);
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER customers_audit;
DROP TABLE audit;
