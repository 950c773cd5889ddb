package main

import (
	"bytes"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/vdbgo/vdb/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil || !strings.Contains(out.String(), "Everything is as it should be") {
		t.Fatalf("%v\n%s", err, &out)
	}
}

func openPool(t *testing.T) *sql.DB {
	t.Helper()
	pool, err := sql.Open("vdb", "file:"+filepath.Join(t.TempDir(), "shop.vdb")+"?_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

func openShop(t *testing.T) *gorm.DB {
	t.Helper()
	db, err := openGORM(openPool(t))
	if err != nil {
		t.Fatal(err)
	}
	must(t, db.AutoMigrate(&Customer{}, &Order{}, &Tag{}))
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCount(t *testing.T, db *gorm.DB, want int64) {
	t.Helper()
	var n int64
	if err := db.Count(&n).Error; err != nil || n != want {
		t.Errorf("%d rows, %v; want %d", n, err, want)
	}
}

func wantSound(t *testing.T, db *gorm.DB) {
	t.Helper()
	var result string
	if err := db.Raw("PRAGMA integrity_check").Scan(&result).Error; err != nil || result != "ok" {
		t.Errorf("integrity check: %s, %v", result, err)
	}
}

// A second AutoMigrate finds nothing to do: the contents stay the same.
func TestAutoMigrateTwice(t *testing.T) {
	db := openShop(t)
	hash := func() (h string) {
		t.Helper()
		must(t, db.Raw("SELECT dolt_hashof_db()").Scan(&h).Error)
		return h
	}
	must(t, db.Create(&Customer{Name: "Example Ltd", Email: "a@b.example", Orders: []Order{{Product: "tea"}}}).Error)
	was := hash()
	must(t, db.AutoMigrate(&Customer{}, &Order{}, &Tag{}))
	if is := hash(); is != was {
		t.Errorf("a second AutoMigrate changed the contents from %s to %s", was, is)
	}
	must(t, db.AutoMigrate(&DiscountedOrder{}))
	wantCount(t, db.Model(&DiscountedOrder{}).Where("discount = 0"), 1)
	wantSound(t, db)
}

// customerTag is the table between customers and tags.
type customerTag struct {
	CustomerID uint   `gorm:"primaryKey"`
	TagID      uint   `gorm:"primaryKey"`
	Note       string `gorm:"default:none"`
}

// Migrations that GORM does by copying the table.
func TestMigrator(t *testing.T) {
	db := openShop(t)
	must(t, db.Create(&Customer{Name: "Example Ltd", Email: "a@b.example", Orders: []Order{{Product: "tea", Quantity: 2}}, Tags: []*Tag{{Name: "early"}}}).Error)
	m := db.Migrator()
	must(t, m.AddColumn(&DiscountedOrder{}, "Discount"))
	must(t, m.RenameColumn(&DiscountedOrder{}, "product", "item"))
	must(t, m.AlterColumn(&DiscountedOrder{}, "Quantity")) // GORM forgets the indexes
	must(t, m.DropColumn(&DiscountedOrder{}, "discount"))
	must(t, m.CreateIndex(&Order{}, "CustomerID"))
	must(t, m.RenameTable("orders", "purchases"))
	must(t, m.AddColumn(&customerTag{}, "Note"))
	must(t, m.AlterColumn(&customerTag{}, "Note")) // a table that is WITHOUT ROWID here
	for table, want := range map[string]bool{"purchases": true, "orders": false, "customer_tags": true} {
		if m.HasTable(table) != want {
			t.Errorf("table %s: %v", table, !want)
		}
	}
	var item string
	must(t, db.Raw("SELECT item || quantity FROM purchases").Scan(&item).Error)
	if item != "tea2" {
		t.Errorf("the row is %s", item)
	}
	wantCount(t, db.Table("customer_tags").Where("note = 'none'"), 1)
	wantSound(t, db)
}

func TestAssociations(t *testing.T) {
	db := openShop(t)
	c := Customer{Name: "Example Ltd", Email: "A@B.example", Orders: []Order{{Product: "tea"}, {Product: "coffee"}}, Tags: []*Tag{{Name: "early"}, {Name: "late"}}}
	must(t, db.Create(&c).Error)
	var got Customer
	must(t, db.Preload("Orders").Preload(clause.Associations).First(&got, c.ID).Error)
	if got.Email != "a@b.example" || len(got.Orders) != 2 || len(got.Tags) != 2 || !got.CreatedAt.Equal(c.CreatedAt) {
		t.Errorf("read back: %+v", got)
	}
	must(t, db.Model(&got).Association("Tags").Delete(got.Tags[0]))
	must(t, db.Model(&got).Association("Orders").Append(&Order{Product: "cocoa"}))
	if n := db.Model(&got).Association("Tags").Count(); n != 1 {
		t.Errorf("%d tags", n)
	}
	var joined []Order
	must(t, db.Joins("JOIN customers ON customers.id = orders.customer_id AND customers.email = ?", "a@b.example").Order("orders.id").Find(&joined).Error)
	if len(joined) != 3 || joined[2].Product != "cocoa" {
		t.Errorf("joined: %+v", joined)
	}
	wantSound(t, db)
}

func TestSoftDelete(t *testing.T) {
	db := openShop(t)
	must(t, db.Create(&[]Customer{{Name: "A", Email: "a@x.example"}, {Name: "B", Email: "b@x.example"}}).Error)
	must(t, db.Where("name = ?", "A").Delete(&Customer{}).Error)
	wantCount(t, db.Model(&Customer{}), 1)
	wantCount(t, db.Unscoped().Model(&Customer{}), 2)
	must(t, db.Unscoped().Model(&Customer{}).Where("name = ?", "A").UpdateColumn("deleted_at", nil).Error)
	wantCount(t, db.Model(&Customer{}), 2)
	must(t, db.Unscoped().Where("name = ?", "A").Delete(&Customer{}).Error)
	wantCount(t, db.Unscoped().Model(&Customer{}), 1)
}

func TestTransactionsAndHooks(t *testing.T) {
	db := openShop(t)
	failure := errors.New("never mind")
	err := db.Transaction(func(tx *gorm.DB) error {
		must(t, tx.Create(&Customer{Name: "A", Email: "a@x.example"}).Error)
		inner := tx.Transaction(func(tx *gorm.DB) error { // a savepoint
			must(t, tx.Create(&Customer{Name: "B", Email: "b@x.example"}).Error)
			return failure
		})
		if !errors.Is(inner, failure) {
			t.Errorf("the inner transaction: %v", inner)
		}
		wantCount(t, tx.Model(&Customer{}), 1)
		return nil
	})
	must(t, err)
	wantCount(t, db.Model(&Customer{}), 1)
	if err := db.Transaction(func(tx *gorm.DB) error {
		must(t, tx.Create(&Customer{Name: "C", Email: "c@x.example"}).Error)
		return failure
	}); !errors.Is(err, failure) {
		t.Errorf("the transaction: %v", err)
	}
	if err := db.Create(&Customer{Name: "D", Email: "nowhere"}).Error; err == nil || !strings.Contains(err.Error(), "without an email") {
		t.Errorf("the hook: %v", err)
	}
	wantCount(t, db.Model(&Customer{}), 1)
}

func TestErrors(t *testing.T) {
	db := openShop(t)
	must(t, db.Create(&Customer{Name: "A", Email: "a@x.example"}).Error)
	if err := db.Create(&Customer{Name: "B", Email: "a@x.example"}).Error; !errors.Is(err, gorm.ErrDuplicatedKey) {
		t.Errorf("an email address twice: %v", err)
	}
	if err := db.Create(&Order{CustomerID: 99}).Error; !errors.Is(err, gorm.ErrForeignKeyViolated) {
		t.Errorf("an order of nobody: %v", err)
	}
	if err := db.First(&Customer{}, 99).Error; !errors.Is(err, gorm.ErrRecordNotFound) {
		t.Errorf("a customer who is not there: %v", err)
	}
}

func TestUpsertAndBatches(t *testing.T) {
	db := openShop(t)
	var all []Customer
	for i := range 250 {
		all = append(all, Customer{Name: "N", Email: string(rune('a'+i%26)) + strings.Repeat("x", i/26) + "@x.example"})
	}
	must(t, db.CreateInBatches(all, 100).Error)
	must(t, db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "email"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).
		Create(&Customer{Name: "New", Email: all[0].Email}).Error)
	wantCount(t, db.Model(&Customer{}), 250)
	wantCount(t, db.Model(&Customer{}).Where("name = 'New'"), 1)
	var seen int
	must(t, db.Model(&Customer{}).FindInBatches(&[]Customer{}, 60, func(tx *gorm.DB, batch int) error {
		seen += int(tx.RowsAffected)
		return nil
	}).Error)
	if seen != 250 {
		t.Errorf("%d customers in batches", seen)
	}
	wantSound(t, db)
}
