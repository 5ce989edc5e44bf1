// Drives the native ports of LiteDRAM's core (litedram_core.py) with a list of accesses as fast as the core takes them.
// Arguments: file of accesses, ports, outstanding accesses of a port. The file has a 64-bit word per access, little end
// first: number of the 64-byte word, bit 63 set for a write. Access i goes to port i % ports.
// Prints: cycles from the first access taken to the last datum, reads whose datum was not what was written there.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <unordered_map>
#include <vector>

#include "Vtop.h"
#include "ports.h"  // CORE_PORTS, set_address, set_written, read_datum

namespace {
constexpr uint64_t WRITE = uint64_t{1} << 63;
constexpr int RESET_CYCLES = 8;
constexpr uint64_t GREATEST_WAIT = 100000;

struct Port {
    std::deque<uint64_t> accesses;
    std::deque<uint32_t> reads, writes;  // what those under way must read, and write
    unsigned outstanding() const { return reads.size() + writes.size(); }
};

std::vector<Port> dealt(const char* name, unsigned ports) {
    std::vector<Port> result(CORE_PORTS);
    std::ifstream file(name, std::ios::binary);
    uint64_t access;
    for (unsigned i = 0; file.read(reinterpret_cast<char*>(&access), sizeof access); i++)
        result[i % ports].accesses.push_back(access);
    return result;
}

void clock(Vtop& top) {
    top.sys_clk = 1;
    top.eval();
    top.sys_clk = 0;
    top.eval();
}
}  // namespace

int main(int count, char** arguments) {
    if (count != 4) return 2;
    const unsigned ports = std::atoi(arguments[2]), outstanding = std::atoi(arguments[3]);
    std::vector<Port> all = dealt(arguments[1], ports);
    uint64_t left = 0;
    for (const Port& port : all) left += port.accesses.size();

    Vtop top;
    top.sys_rst = 1;
    for (int i = 0; i < RESET_CYCLES; i++) clock(top);
    top.sys_rst = 0;

    std::unordered_map<uint64_t, uint32_t> written;  // by word; the memory begins with zeros
    uint64_t first = 0, last = 0, wrong = 0;
    bool started = false;
    uint32_t tag = 0;
    for (uint64_t now = 0; left; now++) {
        if (now > last + GREATEST_WAIT) return 3;
        uint32_t valid = 0, we = 0;
        for (unsigned p = 0; p < ports; p++) {
            Port& port = all[p];
            if (!port.writes.empty()) set_written(top, p, port.writes.front());
            if (port.accesses.empty() || port.outstanding() >= outstanding) continue;
            const uint64_t access = port.accesses.front();
            valid |= 1u << p;
            if (access & WRITE) we |= 1u << p;
            set_address(top, p, access & ~WRITE);
        }
        top.cmd_valid = valid;
        top.cmd_we = we;
        top.eval();
        for (unsigned p = 0; p < ports; p++) {
            Port& port = all[p];
            if (top.rdata_valid >> p & 1) {
                wrong += read_datum(top, p) != port.reads.front();
                port.reads.pop_front();
                left--;
                last = now;
            }
            if (top.wdata_ready >> p & 1) {
                port.writes.pop_front();
                left--;
                last = now;
            }
            if (valid & top.cmd_ready & (1u << p)) {
                const uint64_t access = port.accesses.front(), word = access & ~WRITE;
                port.accesses.pop_front();
                if (access & WRITE) {
                    port.writes.push_back(written[word] = ++tag);
                } else {
                    port.reads.push_back(written.count(word) ? written[word] : 0);
                }
                if (!started) first = now;
                started = true;
            }
        }
        clock(top);
    }
    std::printf("%llu %llu\n", static_cast<unsigned long long>(last - first + 1), static_cast<unsigned long long>(wrong));
}
