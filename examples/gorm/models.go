package main

import (
	"errors"
	"strings"

	"gorm.io/gorm"
)

// Customer is deleted softly: DeletedAt of gorm.Model hides it.
type Customer struct {
	gorm.Model
	Name   string
	Email  string `gorm:"uniqueIndex;not null"`
	Orders []Order
	Tags   []*Tag `gorm:"many2many:customer_tags"`
}

// BeforeSave is a hook of GORM's: it runs in the transaction.
func (c *Customer) BeforeSave(*gorm.DB) error {
	if c.Email = strings.ToLower(c.Email); !strings.Contains(c.Email, "@") {
		return errors.New("customer without an email address")
	}
	return nil
}

// Order is an order as the first version of the program has it.
type Order struct {
	ID         uint
	CustomerID uint   `gorm:"not null;index"`
	Product    string `gorm:"size:40"`
	Quantity   int64
}

// DiscountedOrder is an order as the next version has it.
type DiscountedOrder struct {
	Order
	Discount int64 `gorm:"not null;default:0"`
}

// TableName has both versions in one table.
func (DiscountedOrder) TableName() string { return "orders" }

// Tag is a word that some customers have.
type Tag struct {
	ID   uint
	Name string `gorm:"unique"`
}
