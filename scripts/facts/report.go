package main

import "fmt"

// Members of a C++ struct cannot have these names.
var keywords = set("alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t " +
	"class compl concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype " +
	"default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int " +
	"long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register " +
	"reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this " +
	"thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq")

// report prints the numbers of the checked files.
func (c *checker) report(samples int) {
	counts, words := map[string]int{}, map[string]int{}
	for _, file := range c.files {
		for _, block := range file.blocks {
			counts[block.word]++
			counts["sub"] += len(block.subs)
			counts["field"] += len(block.rows)
			for _, row := range block.rows {
				if keywords[row.name] {
					words[row.name]++
					counts["keyword"]++
				}
				if !c.used[row] {
					fmt.Println("never seen filled:", file.pkg(), block.name, row.name)
				}
			}
		}
	}
	fmt.Printf("%d files, %d kinds, %d types, %d subresources, %d fields, %d of them C++ keywords: %v; %d samples\n",
		len(c.files), counts["kind"], counts["type"], counts["sub"], counts["field"], counts["keyword"], words, samples)
}
