// Gorm is a program that keeps its data by GORM, and has branches, merges and time
// travel below it. GORM's own SQLite dialect speaks to the driver vdb.
//
// A migration and its new data are tried out on a branch while main goes on, and are
// merged. Then a careless Delete without a condition is found in the history, read as
// it was before, and reverted.
//
//	cd examples/gorm && go run .
//
// It is a module of its own, so that GORM is no dependency of vdb. It checks what it
// does and exits with status 1 if anything is not as it should be.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vdbgo/vdb"
	vsqlite "github.com/vdbgo/vdb/sqlite"
	"gorm.io/gorm"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gorm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "gorm-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := vdb.Open(ctx, dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s := &shop{below: db, out: out}
	defer func() { err = errors.Join(err, s.close()) }()
	main, err := s.branch(ctx, vdb.MainBranch)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, *gorm.DB) error{s.fill, s.migrate, s.repair} {
		if err := step(ctx, main); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "Everything is as it should be.")
	return nil
}

// shop is the program: GORM on some branches of a database.
type shop struct {
	below *vdb.DB
	out   io.Writer
	pools []*sql.DB
}

// branch opens GORM on a branch.
func (s *shop) branch(ctx context.Context, name string) (*gorm.DB, error) {
	pool := vsqlite.OpenDB(s.below, name)
	s.pools = append(s.pools, pool)
	db, err := openGORM(pool)
	if err != nil {
		return nil, fmt.Errorf("branch %s: %w", name, err)
	}
	return db.WithContext(ctx), nil
}

func (s *shop) close() error {
	var err error
	for _, pool := range s.pools {
		err = errors.Join(err, pool.Close())
	}
	return err
}

// commit records what was written to a branch in its history.
func commit(db *gorm.DB, text string) error {
	return db.Exec("SELECT dolt_commit('-Am', ?)", text).Error
}

// fill makes the tables and three customers with orders.
func (s *shop) fill(_ context.Context, main *gorm.DB) error {
	if err := main.AutoMigrate(&Customer{}, &Order{}, &Tag{}); err != nil {
		return err
	}
	early := Tag{Name: "early"}
	for i, name := range []string{"Example Ltd", "Example Inc", "Example SA"} {
		c := Customer{Name: name, Email: fmt.Sprintf("info@%d.example", i), Tags: []*Tag{&early}}
		for n := range i + 1 {
			c.Orders = append(c.Orders, Order{Product: "tea", Quantity: int64(n + 1)})
		}
		if err := main.Create(&c).Error; err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out, "main has 3 customers with 6 orders")
	return errors.Join(expect(main, &Order{}, 6), commit(main, "Three customers"))
}

// migrate tries a new schema out on a branch, and merges it.
func (s *shop) migrate(ctx context.Context, main *gorm.DB) error {
	if err := main.Exec("SELECT dolt_branch('discounts')").Error; err != nil {
		return err
	}
	branch, err := s.branch(ctx, "discounts")
	if err != nil {
		return err
	}
	if err := branch.AutoMigrate(&DiscountedOrder{}); err != nil {
		return err
	}
	if err := branch.Model(&DiscountedOrder{}).Where("quantity > ?", 1).Update("discount", 10).Error; err != nil {
		return err
	}
	if err := commit(branch, "Discounts"); err != nil {
		return err
	}
	if err := main.Create(&Order{CustomerID: 1, Product: "coffee", Quantity: 5}).Error; err != nil {
		return err
	}
	if err := errors.Join(commit(main, "Coffee"), main.Exec("SELECT dolt_merge('discounts')").Error); err != nil {
		return err
	}
	var discounted int64
	if err := main.Model(&DiscountedOrder{}).Where("discount = 10").Count(&discounted).Error; err != nil {
		return err
	}
	fmt.Fprintf(s.out, "discounts are merged: %d of the orders have one\n", discounted)
	if discounted != 3 {
		return fmt.Errorf("%d orders have a discount, not 3", discounted)
	}
	return errors.Join(expect(main, &Order{}, 7), main.AutoMigrate(&DiscountedOrder{}))
}

// repair finds a careless deletion, reads what was there before, and reverts it.
func (s *shop) repair(_ context.Context, main *gorm.DB) error {
	if err := main.Session(&gorm.Session{AllowGlobalUpdate: true}).Unscoped().Delete(&Order{}).Error; err != nil {
		return err
	}
	if err := commit(main, "Routine maintenance"); err != nil {
		return err
	}
	if err := main.Create(&Order{CustomerID: 2, Product: "cocoa", Quantity: 1}).Error; err != nil {
		return err
	}
	if err := errors.Join(commit(main, "Cocoa"), expect(main, &Order{}, 1)); err != nil {
		return err
	}
	var bad string
	if err := main.Raw("SELECT to_commit FROM dolt_diff_orders WHERE diff_type = 'removed' LIMIT 1").Scan(&bad).Error; err != nil {
		return err
	}
	var before int64
	if err := main.Table("orders AS OF ? AS orders", bad+"~").Count(&before).Error; err != nil {
		return err
	}
	fmt.Fprintf(s.out, "commit %.10s deleted the orders: there were %d\n", bad, before)
	if before != 7 {
		return fmt.Errorf("there were %d orders, not 7", before)
	}
	return errors.Join(main.Exec("SELECT dolt_revert(?)", bad).Error, expect(main, &Order{}, 8))
}

// expect counts the rows of a model.
func expect(db *gorm.DB, model any, want int64) error {
	var n int64
	if err := db.Model(model).Count(&n).Error; err != nil {
		return err
	}
	if n != want {
		return fmt.Errorf("%T: %d rows, not %d", model, n, want)
	}
	return nil
}
