// Native bench of the engine: does what sim/bench/engine_bench.py does, without Python in the simulator.
//
// Arguments: the plan, the file for the outcome, then plusargs of the design. The plan (sim/plan.py) is lines of words:
//     limit_cycles N        a chain may take no more
//     set PORT VALUE        an input that is constant for the run, before reset
//     chain ADDRESS ...     descriptors to ring one after another, with cleared counters
// Each second a line `progress CYCLES SECONDS` goes to standard output. Whatever goes wrong ends with 1 and a line on standard
// error.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench.h"
#include "host.h"
#include "verilated.h"

using Clock = std::chrono::steady_clock;

struct Plan {
    uint64_t limit_cycles = 0;
    std::map<std::string, uint64_t> settings;
    std::vector<std::vector<uint64_t>> chains;
};

struct Chain {
    uint32_t status = 0;
    std::vector<uint64_t> completed_at;  // cycles since the first doorbell
    std::vector<uint64_t> counters;
    uint64_t beats_read = 0, beats_written = 0;
    std::vector<uint64_t> dram;
};

static Plan read_plan(const char* path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(std::string("cannot read the plan ") + path);
    Plan plan;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string word, name;
        words >> word;
        if (word == "limit_cycles") {
            words >> plan.limit_cycles;
        } else if (word == "set") {
            words >> name >> plan.settings[name];
        } else if (word == "chain") {
            plan.chains.emplace_back();
            for (uint64_t address; words >> address;) plan.chains.back().push_back(address);
            words.clear();
        } else {
            throw std::runtime_error("the plan has a line that begins with '" + word + "'");
        }
        if (words.fail()) throw std::runtime_error("the plan has a line without its value: " + line);
    }
    return plan;
}

class Bench {
  public:
    Bench(Vtop& top, const Plan& plan) : top(top), plan(plan), simulation(top), host(simulation) {}

    void reset() {
        for (const auto& [name, value] : plan.settings)
            if (!set_input(top, name, value)) throw std::runtime_error("the design has no input '" + name + "'");
        top.rst = 1;
        for (int i = 0; i < 3; i++) simulation.step();
        top.rst = 0;
        simulation.step();
        began = reported = Clock::now();
    }

    Chain run(const std::vector<uint64_t>& descriptors) {
        Chain chain;
        const uint64_t read = top.beats_read, written = top.beats_written;
        const std::vector<uint64_t> before = dram();
        restart_dram();
        const uint32_t completed = host.read(REGISTER_COMPLETED);
        const uint64_t start = simulation.cycles;
        host.write(REGISTER_CONTROL, START);
        size_t rung = 0;
        while (true) {
            while (rung < descriptors.size() && rung - chain.completed_at.size() < QUEUE_DEPTH) {
                host.write(REGISTER_DOORBELL_HIGH, descriptors[rung] >> 32);
                host.write(REGISTER_DOORBELL, descriptors[rung] & 0xFFFFFFFF);
                rung++;
            }
            wait(start);
            host.write(REGISTER_CONTROL, ACKNOWLEDGE);
            const uint32_t done = host.read(REGISTER_COMPLETED) - completed;
            while (chain.completed_at.size() < done) chain.completed_at.push_back(simulation.cycles - start);
            if (chain.completed_at.size() == descriptors.size()) break;
        }
        chain.status = host.read(REGISTER_FAILED) & 0xFF;
        if (!chain.status) chain.status = STATUS_DONE;
        for (size_t i = 0; i < COUNTERS; i++) {
            const uint64_t low = host.read(REGISTER_COUNTERS + 8 * i);
            chain.counters.push_back(low | uint64_t(host.read(REGISTER_COUNTERS + 8 * i + 4)) << 32);
        }
        chain.beats_read = top.beats_read - read;
        chain.beats_written = top.beats_written - written;
        chain.dram = dram();
        for (size_t i = 0; i < before.size(); i++) chain.dram[i] -= before[i];
        return chain;
    }

    void dump() {
        top.dump = 1;
        simulation.step();
        simulation.step();
    }

    double seconds() const { return std::chrono::duration<double>(Clock::now() - began).count(); }

  private:
    std::vector<uint64_t> dram() const {  // sim.memory.dram.COUNTERS
        return {top.row_hits, top.row_misses, top.row_conflicts, top.refreshes};
    }

    // Rows closed and refresh anew, so that what runs next takes a time of its own.
    void restart_dram() {
        top.restart = 1;
        simulation.step();
        top.restart = 0;
    }

    void wait(uint64_t start) {
        while (!host.interrupt()) {
            simulation.step();
            if (simulation.cycles - start > plan.limit_cycles)
                throw std::runtime_error("no interrupt within " + std::to_string(plan.limit_cycles) + " cycles");
            if (simulation.cycles % REPORT_CYCLES == 0) report();
        }
    }

    void report() {
        const auto now = Clock::now();
        if (now - reported < std::chrono::seconds(1)) return;
        reported = now;
        std::printf("progress %llu %.1f\n", (unsigned long long)simulation.cycles, seconds());
        std::fflush(stdout);
    }

    static constexpr uint64_t REPORT_CYCLES = 4096;
    Vtop& top;
    const Plan& plan;
    Simulation simulation;
    Host host;
    Clock::time_point began, reported;
};

static std::string list(const std::vector<uint64_t>& values) {
    std::string text = "[";
    for (size_t i = 0; i < values.size(); i++) text += (i ? ", " : "") + std::to_string(values[i]);
    return text + "]";
}

static void write_outcome(const char* path, const std::vector<Chain>& chains, uint64_t violations, double seconds) {
    std::ofstream file(path);
    file << "{\"violations\": " << violations << ", \"seconds\": " << seconds << ", \"chains\": [";
    for (size_t i = 0; i < chains.size(); i++) {
        const Chain& chain = chains[i];
        file << (i ? ", " : "") << "{\"status\": " << chain.status << ", \"completed_at\": " << list(chain.completed_at)
             << ", \"counters\": " << list(chain.counters) << ", \"beats_read\": " << chain.beats_read
             << ", \"beats_written\": " << chain.beats_written << ", \"dram\": " << list(chain.dram) << "}";
    }
    file << "]}\n";
    file.close();
    if (!file) throw std::runtime_error(std::string("cannot write the outcome ") + path);
}

int main(int argc, char** argv) {
    try {
        if (argc < 3) throw std::runtime_error("expected the plan and the file for the outcome");
        const Plan plan = read_plan(argv[1]);
        Verilated::commandArgs(argc - 2, argv + 2);
        Vtop top("");
        Bench bench(top, plan);
        bench.reset();
        std::vector<Chain> chains;
        for (const auto& descriptors : plan.chains) chains.push_back(bench.run(descriptors));
        const double seconds = bench.seconds();
        const uint64_t violations = top.violations;
        bench.dump();
        top.final();
        write_outcome(argv[2], chains, violations, seconds);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "native bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
