package vdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// benchCustomer makes rows of about 120 bytes.
type benchCustomer struct {
	ID      string `vdb:"id,pk"`
	Name    string
	Email   string
	City    string
	Balance float64
	Visits  int64
	Active  bool
}

const benchRows = 1_000_000

var (
	benchTable = MustTable[benchCustomer]("customers")
	benchDB    = sync.OnceValues(func() (*Branch, error) { return loadBench(benchRows) })
)

func benchID(i int) string { return fmt.Sprintf("cust%08d", i) }

func benchCustomerOf(i int) benchCustomer {
	return benchCustomer{
		ID: benchID(i), Name: fmt.Sprintf("Customer number %d, Ltd.", i), Email: fmt.Sprintf("office-%d@customers.example.com", i),
		City: "Kirchberg an der Raab", Balance: float64(i) * 1.25, Visits: int64(i % 1000), Active: i%2 == 0,
	}
}

// loadBench loads n rows in one transaction.
func loadBench(n int) (*Branch, error) {
	ctx := context.Background()
	db, err := Open(ctx, Memory, nil)
	if err != nil {
		return nil, err
	}
	b, err := db.Branch(ctx, MainBranch)
	if err != nil {
		return nil, err
	}
	return b, b.Update(ctx, func(tx *Tx) error {
		if err := benchTable.Create(tx); err != nil {
			return err
		}
		for i := range n {
			if err := benchTable.Put(tx, benchCustomerOf(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func benchSnapshot(b *testing.B) (*Branch, *Snapshot) {
	branch, err := benchDB()
	if err != nil {
		b.Fatal(err)
	}
	s, err := branch.Snapshot(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return branch, s
}

func BenchmarkTypedGet(b *testing.B) {
	_, s := benchSnapshot(b)
	ids := make([]string, 1<<16)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range ids {
		ids[i] = benchID(r.IntN(benchRows))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c, err := benchTable.Get(s, ids[i&(len(ids)-1)])
		if err != nil || c.City == "" {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkTypedScan reports the time of one row.
func BenchmarkTypedScan(b *testing.B) {
	_, s := benchSnapshot(b)
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		for c, err := range benchTable.All(s) {
			if err != nil || c.City == "" {
				b.Fatal(err)
			}
			rows++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}

// BenchmarkBulkLoad loads 200,000 rows, in the order of their keys and in
// random order, and reports the time of one.
func BenchmarkBulkLoad(b *testing.B) {
	const rows = 200_000
	for _, order := range []string{"sorted", "random"} {
		customers := make([]benchCustomer, rows)
		for i := range customers {
			customers[i] = benchCustomerOf(i)
		}
		if order == "random" {
			rand.New(rand.NewPCG(1, 2)).Shuffle(rows, func(i, j int) { customers[i], customers[j] = customers[j], customers[i] })
		}
		b.Run(order, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				branch, err := loadBench(0)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				err = branch.Update(context.Background(), func(tx *Tx) error {
					for _, c := range customers {
						if err := benchTable.Put(tx, c); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

func BenchmarkTypedUpdate(b *testing.B) {
	branch, _ := benchSnapshot(b)
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	visits := int64(0)
	for b.Loop() {
		visits++
		c := benchCustomerOf(r.IntN(benchRows))
		c.Visits = visits
		if err := branch.Update(ctx, func(tx *Tx) error { return benchTable.Update(tx, c) }); err != nil {
			b.Fatal(err)
		}
	}
}
